// SPDX-License-Identifier: Apache-2.0
// Which virtual host a request's authority selects.
#include "agent/routing/authority.hpp"
#include "tests/unit/routing/builders.hpp"

namespace sluice::routing {
namespace {

TEST(HostOf, DropsPortAndFinalDot) {
  EXPECT_EQ(host_of("example.com"), "example.com");
  EXPECT_EQ(host_of("example.com:8080"), "example.com");
  EXPECT_EQ(host_of("example.com."), "example.com");
  EXPECT_EQ(host_of("example.com.:80"), "example.com");
  EXPECT_EQ(host_of("192.0.2.1:80"), "192.0.2.1");
  EXPECT_EQ(host_of("[2001:db8::1]:80"), "[2001:db8::1]");
  EXPECT_EQ(host_of("[2001:db8::1]"), "[2001:db8::1]");
}

TEST(HostOf, LeavesWhatIsNoPortAlone) {
  EXPECT_EQ(host_of(""), "");
  EXPECT_EQ(host_of("."), ".");
  EXPECT_EQ(host_of("example.com:http"), "example.com:http");
  EXPECT_EQ(host_of("2001:db8::1"), "2001:db8::1");
}

RouteTable hosts() {
  return compile({
      virtual_host("any", {"*"}, {route("any")}),
      virtual_host("wide", {"*.example.com"}, {route("wide")}),
      virtual_host("deep", {"*.eu.example.com"}, {route("deep")}),
      virtual_host("exact", {"shop.example.com", "shop.example.org"}, {route("exact")}),
  });
}

TEST(Hosts, TheMostSpecificDomainWins) {
  const RouteTable table = hosts();
  EXPECT_EQ(matched(table, request("shop.example.com", "/")), "exact");
  EXPECT_EQ(matched(table, request("shop.example.org", "/")), "exact");
  EXPECT_EQ(matched(table, request("a.example.com", "/")), "wide");
  EXPECT_EQ(matched(table, request("a.b.example.com", "/")), "wide");
  EXPECT_EQ(matched(table, request("a.eu.example.com", "/")), "deep");
  EXPECT_EQ(matched(table, request("a.b.eu.example.com", "/")), "deep");
  EXPECT_EQ(matched(table, request("eu.example.com", "/")), "wide");
  EXPECT_EQ(matched(table, request("example.com", "/")), "any");
  EXPECT_EQ(matched(table, request(".example.com", "/")), "any");
  EXPECT_EQ(matched(table, request("notexample.com", "/")), "any");
  EXPECT_EQ(matched(table, request("", "/")), "any");
}

TEST(Hosts, CasePortAndFinalDotDoNotMatter) {
  const RouteTable table = hosts();
  EXPECT_EQ(matched(table, request("SHOP.Example.COM:8443", "/")), "exact");
  EXPECT_EQ(matched(table, request("A.EU.EXAMPLE.COM.", "/")), "deep");
}

TEST(Hosts, NoFallThroughToALessSpecificDomain) {
  const RouteTable table = compile(
      {virtual_host("any", {"*"}, {route("any")}),
       virtual_host("shop", {"shop.example.com"}, {route("api", {uri(Kind::kPrefix, "/api")})})});
  EXPECT_EQ(matched(table, request("shop.example.com", "/api/1")), "api");
  EXPECT_EQ(matched(table, request("shop.example.com", "/other")), "404");
}

TEST(Hosts, VirtualHostsOfOneDomainAreMergedInOrder) {
  const RouteTable table = compile({
      virtual_host("first", {"a.test"}, {route("one", {uri(Kind::kPrefix, "/one")})}),
      virtual_host("second", {"b.test", "a.test"}, {route("rest")}),
      virtual_host("third", {"a.test"}, {route("never")}),
  });
  EXPECT_EQ(matched(table, request("a.test", "/one")), "one");
  EXPECT_EQ(matched(table, request("a.test", "/two")), "rest");
  EXPECT_EQ(matched(table, request("b.test", "/one")), "rest");
  EXPECT_EQ(matched(table, request("c.test", "/one")), "404");
}

TEST(Hosts, AHugeAuthorityCostsLittle) {
  const RouteTable table = hosts();
  std::string authority;
  while (authority.size() < 60'000) authority += "a.";
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(matched(table, request(authority, "/")), "any");
  }
  EXPECT_EQ(matched(table, request(authority + "eu.example.com", "/")), "deep");
}

}  // namespace
}  // namespace sluice::routing
