// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sample.hpp"

namespace sluice::app {
namespace {

v1::ExplainReply explain(const std::string& method, const std::string& url,
                         const std::vector<std::pair<std::string, std::string>>& headers = {}) {
  v1::ExplainRequest request;
  request.set_method(method);
  request.set_url(url);
  for (const auto& [name, value] : headers) {
    v1::Header* header = request.add_headers();
    header->set_name(name);
    header->set_value(value);
  }
  return explain_view(request, test::sample_snapshot(), test::sample_workers());
}

TEST(ExplainView, TellsRouteMatchNearMissesAndShares) {
  const v1::ExplainReply reply = explain("GET", "http://echo.example.com/shop?x=1");
  EXPECT_EQ(reply.error(), "");
  EXPECT_EQ(reply.listener(), "0.0.0.0:80");
  EXPECT_EQ(reply.domain(), "echo.example.com");
  EXPECT_TRUE(reply.matched());
  EXPECT_EQ(reply.virtual_host(), "default/echo");
  EXPECT_EQ(reply.route_index(), 2U);
  EXPECT_EQ(reply.route_name(), "main");
  EXPECT_EQ(reply.match(), "method exact \"GET\"");
  EXPECT_EQ(reply.route_origin().line(), 20);
  EXPECT_EQ(reply.match_origin().line(), 21);
  ASSERT_EQ(reply.near_misses_size(), 2);
  EXPECT_EQ(reply.near_misses_total(), 2U);
  EXPECT_EQ(reply.near_misses(0).route(), "beta");
  EXPECT_EQ(reply.near_misses(0).condition(), "uri prefix \"/beta\"");
  EXPECT_EQ(reply.near_misses(0).got(), "/shop");
  EXPECT_EQ(reply.near_misses(0).origin().line(), 15);
  EXPECT_EQ(reply.near_misses(1).route(), "#1");
  ASSERT_EQ(reply.shares_size(), 2);
  EXPECT_DOUBLE_EQ(reply.shares(0).wanted_percent(), 80);
  EXPECT_DOUBLE_EQ(reply.shares(0).realised_percent(), 80);
  ASSERT_EQ(reply.clusters_size(), 2);
  EXPECT_EQ(reply.clusters(1).endpoints(0).address(), "10.1.0.9:8080");
  EXPECT_EQ(reply.tier(), "request");
  EXPECT_FALSE(reply.tier_code().empty());
  EXPECT_EQ(reply.outcome(), "routed");
}

TEST(ExplainView, HeaderFieldsDecide) {
  EXPECT_EQ(explain("GET", "http://echo.example.com/beta", {{"X-User", "alice"}}).route_name(),
            "beta");
  EXPECT_EQ(explain("GET", "http://echo.example.com/beta", {{"X-User", "bob"}}).route_name(),
            "main");
}

TEST(ExplainView, NamesWhatTheClientGets) {
  EXPECT_EQ(explain("POST", "http://echo.example.com/").outcome(), "404 no_route");
  EXPECT_EQ(explain("GET", "http://echo.example.com/dead").outcome(), "503 no_endpoint");
  const v1::ExplainReply host = explain("GET", "http://other.example.com/");
  EXPECT_EQ(host.outcome(), "404 no_route");
  EXPECT_EQ(host.domain(), "");
  ASSERT_EQ(host.domains_size(), 1);
  EXPECT_EQ(host.domains(0), "echo.example.com");
  const v1::ExplainReply port = explain("GET", "http://echo.example.com:81/");
  EXPECT_EQ(port.outcome(), "no_listener");
  EXPECT_EQ(port.listeners_size(), 2);
}

TEST(ExplainView, HostAndPortChooseTheListener) {
  EXPECT_EQ(explain("GET", "http://192.0.2.1:8080/").listener(), "192.0.2.1:8080");
  EXPECT_EQ(explain("GET", "http://shop.example.com:8080/").listener(), "192.0.2.1:8080");
  EXPECT_EQ(explain("GET", "http://192.0.2.2:8080/").outcome(), "no_listener");
  EXPECT_EQ(explain("GET", "http://[2001:db8::1]/").listener(), "0.0.0.0:80");
  // The address is where the connection goes, Host is what the request names.
  const v1::ExplainReply reply =
      explain("GET", "http://203.0.113.5/", {{"Host", "echo.example.com"}});
  EXPECT_EQ(reply.route_name(), "main");
}

TEST(ExplainView, UrlsMayLackAPath) {
  EXPECT_EQ(explain("GET", "http://echo.example.com").outcome(), "routed");
  EXPECT_EQ(explain("GET", "http://echo.example.com?x=1").outcome(), "routed");
  EXPECT_EQ(explain("GET", "HTTP://ECHO.example.com:80/a#part").outcome(), "routed");
}

TEST(ExplainView, NonsenseIsAnErrorThatSaysWhatToWrite) {
  for (const char* url :
       {"", "echo.example.com/", "http://", "http:///x", "ftp://x/", "http://x:99999/",
        "http://x:y/", "http://x/a b", "http://x/\r\nEvil: 1", "http://user@x/", "http://x/\xff"}) {
    const v1::ExplainReply reply = explain("GET", url);
    EXPECT_FALSE(reply.error().empty()) << url;
    EXPECT_EQ(reply.outcome(), "") << url;
  }
  EXPECT_NE(explain("GET", "https://x/").error().find("https is not served"), std::string::npos);
  EXPECT_NE(explain("GET", "echo.example.com/").error().find("write http://"), std::string::npos);
  EXPECT_FALSE(explain("", "http://x/").error().empty());
  EXPECT_FALSE(explain("G ET", "http://x/").error().empty());
  EXPECT_FALSE(explain("GET", "http://x/", {{"a\r\nb", "c"}}).error().empty());
  EXPECT_FALSE(explain("GET", "http://x/", {{"a", "b\nc"}}).error().empty());
  EXPECT_FALSE(explain("GET", "http://x/", {{"a b", "c"}}).error().empty());
}

TEST(ExplainView, BeforeTheFirstGenerationThereIsNoListener) {
  v1::ExplainRequest request;
  request.set_method("GET");
  request.set_url("http://x/");
  EXPECT_EQ(explain_view(request, nullptr, {}).outcome(), "no_listener");
}

}  // namespace
}  // namespace sluice::app
