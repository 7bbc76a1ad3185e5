// SPDX-License-Identifier: Apache-2.0
#include "agent/http/forwarded.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace sluice::http {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

ForwardedTrust trust(std::uint32_t hops, const std::vector<const char*>& cidrs = {}) {
  ForwardedTrust out{hops, {}};
  for (const char* cidr : cidrs) out.cidrs.push_back(IpPrefix::parse(cidr).value());
  return out;
}

HeaderMap fields(const Fields& given) {
  HeaderMap out;
  for (const auto& [name, value] : given) out.add(name, value);
  return out;
}

std::string client(const Fields& given, const char* peer, const ForwardedTrust& believed) {
  return to_string(client_address(fields(given), ip(peer), believed));
}

TEST(ClientAddress, IsThePeerWhenNobodyIsTrusted) {
  EXPECT_EQ(client({{"X-Forwarded-For", "203.0.113.7"}}, "192.0.2.1", trust(0)), "192.0.2.1");
  EXPECT_EQ(client({}, "192.0.2.1", trust(0)), "192.0.2.1");
}

// Istio: "numTrustedProxies: 2" and X-Forwarded-For "203.0.113.128, 198.51.100.9" from proxy 192.0.2.1.
TEST(ClientAddress, IsAsManyHopsBackAsThereAreTrustedProxies) {
  const Fields sent{{"X-Forwarded-For", "203.0.113.128, 203.0.113.10, 203.0.113.1"}};
  EXPECT_EQ(client(sent, "192.0.2.1", trust(1)), "203.0.113.1");
  EXPECT_EQ(client(sent, "192.0.2.1", trust(2)), "203.0.113.10");
  EXPECT_EQ(client(sent, "192.0.2.1", trust(3)), "203.0.113.128");
  EXPECT_EQ(client(sent, "192.0.2.1", trust(4)), "192.0.2.1") << "fewer entries than hops";
}

TEST(ClientAddress, EntriesMayBeSpreadOverFieldsAndHavePorts) {
  EXPECT_EQ(client({{"X-Forwarded-For", "203.0.113.1"}, {"x-forwarded-for", "203.0.113.2"}},
                   "192.0.2.1", trust(2)),
            "203.0.113.1");
  EXPECT_EQ(client({{"X-Forwarded-For", "203.0.113.1:4711"}}, "192.0.2.1", trust(1)),
            "203.0.113.1");
  EXPECT_EQ(client({{"X-Forwarded-For", "[2001:db8::1]:4711"}}, "192.0.2.1", trust(1)),
            "2001:db8::1");
  EXPECT_EQ(client({{"X-Forwarded-For", "[2001:db8::1]"}}, "192.0.2.1", trust(1)), "2001:db8::1");
}

TEST(ClientAddress, WhatIsNoAddressIsNotBelieved) {
  EXPECT_EQ(client({{"X-Forwarded-For", "unknown"}}, "192.0.2.1", trust(1)), "192.0.2.1");
  EXPECT_EQ(client({{"X-Forwarded-For", "203.0.113.1, "}}, "192.0.2.1", trust(1)), "192.0.2.1");
}

TEST(ClientAddress, IsTheLastOneThatIsNoProxyOfOurs) {
  const ForwardedTrust ours = trust(0, {"10.0.0.0/8", "fd00::/8"});
  const Fields sent{{"X-Forwarded-For", "198.51.100.66, 203.0.113.1, fd00::1, 10.1.1.1"}};
  EXPECT_EQ(client(sent, "10.0.0.1", ours), "203.0.113.1") << "what is left of it is a claim";
  EXPECT_EQ(client(sent, "192.0.2.1", ours), "192.0.2.1") << "the peer is no proxy of ours";
  EXPECT_EQ(client({{"X-Forwarded-For", "10.9.9.9, 10.1.1.1"}}, "10.0.0.1", ours), "10.9.9.9");
  EXPECT_EQ(client({{"X-Forwarded-For", "junk, 10.1.1.1"}}, "10.0.0.1", ours), "10.1.1.1");
}

TEST(ClientAddress, HopsCountOnlyForPeersInTheCidrs) {
  const Fields sent{{"X-Forwarded-For", "203.0.113.1"}};
  EXPECT_EQ(client(sent, "10.0.0.1", trust(1, {"10.0.0.0/8"})), "203.0.113.1");
  EXPECT_EQ(client(sent, "192.0.2.1", trust(1, {"10.0.0.0/8"})), "192.0.2.1");
}

// What an endpoint is told; one line a field.
std::string told(const Fields& sent, bool trusted) {
  RequestHead head;
  head.authority = "shop.example.com";
  head.headers = fields(sent);
  set_forwarded(head, {ip("192.0.2.1"), "http", "new-id"}, trusted);
  std::string out;
  for (std::size_t i = 0; i < head.headers.size(); ++i) {
    out.append(head.headers.at(i).name).append(": ").append(head.headers.at(i).value).append("\n");
  }
  return out;
}

TEST(Forwarded, TellsWhoAskedForWhat) {
  const char* const kAll =
      "X-Request-Id: new-id\nX-Forwarded-For: 192.0.2.1\nX-Forwarded-Proto: http\n"
      "X-Forwarded-Host: shop.example.com\n";
  EXPECT_EQ(told({}, false), kAll);
  EXPECT_EQ(told({}, true), kAll);
}

TEST(Forwarded, OverwritesWhatAnUntrustedPeerSays) {
  EXPECT_EQ(told({{"Accept", "*/*"},
                  {"X-Forwarded-For", "127.0.0.1"},
                  {"x-forwarded-for", "127.0.0.2"},
                  {"X-Forwarded-Proto", "https"},
                  {"X-Forwarded-Host", "admin.example.com"},
                  {"X-Forwarded-Port", "443"},
                  {"X-Forwarded-Prefix", "/admin"},
                  {"X-Forwarded-Client-Cert", "By=spiffe://ours"},
                  {"X_Forwarded_For", "127.0.0.1"},
                  {"Forwarded", "for=127.0.0.1;proto=https"},
                  {"X-Request-Id", "mine"},
                  {"X-Forwarded", "kept"}},
                 false),
            "Accept: */*\nX-Request-Id: new-id\nX-Forwarded: kept\nX-Forwarded-For: 192.0.2.1\n"
            "X-Forwarded-Proto: http\nX-Forwarded-Host: shop.example.com\n");
}

TEST(Forwarded, AppendsToWhatATrustedPeerSays) {
  EXPECT_EQ(told({{"X-Forwarded-For", "203.0.113.7"},
                  {"X-Forwarded-Proto", "https"},
                  {"X-Forwarded-Host", "www.example.com"},
                  {"X-Forwarded-Port", "443"},
                  {"X-Request-Id", "theirs"}},
                 true),
            "X-Forwarded-For: 203.0.113.7, 192.0.2.1\nX-Forwarded-Proto: https\n"
            "X-Forwarded-Host: www.example.com\nX-Forwarded-Port: 443\nX-Request-Id: theirs\n");
  EXPECT_EQ(told({{"X-Forwarded-For", "203.0.113.7"}, {"X-Forwarded-For", "203.0.113.8"}}, true)
                .substr(0, 55),
            "X-Forwarded-For: 203.0.113.7, 203.0.113.8, 192.0.2.1\nX-");
}

TEST(Via, NamesTheVersionThatWasReceived) {
  HeaderMap headers;
  add_via(headers, 0, "sluice");
  EXPECT_EQ(headers.get("Via"), "1.0 sluice");
  add_via(headers, 1, "sluice");
  EXPECT_EQ(headers.get("Via"), "1.0 sluice, 1.1 sluice");
}

}  // namespace
}  // namespace sluice::http
