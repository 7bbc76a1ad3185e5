// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

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
  return explain_view(request,
                      {.snapshot = test::sample_snapshot(), .workers = test::sample_workers()});
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

// A listener at port 80 of whatever protocol, whose cluster "v1" has one endpoint.
snapshot::SnapshotPtr snapshot_of(const std::function<void(model::Listener&)>& fill,
                                  const model::TrafficPolicy& policy = {}) {
  model::World world;
  model::Cluster cluster;
  cluster.key = "echo||80";
  cluster.endpoints.emplace_back().address = SocketAddress::parse("10.0.0.1:80").value();
  cluster.policy = std::make_shared<const model::TrafficPolicy>(policy);
  world.clusters[cluster.key] = std::make_shared<const model::Cluster>(cluster);
  model::Listener& listener = world.listeners.emplace_back();
  listener.name = "0.0.0.0:80";
  listener.port = 80;
  fill(listener);
  return snapshot::build(world, 1, nullptr, {}).value();
}

snapshot::SnapshotPtr with_route(const std::function<void(model::Route&)>& fill,
                                 const model::TrafficPolicy& policy = {}) {
  return snapshot_of(
      [&](model::Listener& listener) {
        model::VirtualHost host;
        host.name = "default/echo";
        host.domains = {"*"};
        model::Route& route = host.routes.emplace_back();
        route.matches.emplace_back().uri = {model::StringMatch::Kind::kPrefix, "/api/"};
        route.destinations = {{"echo||80", 1, {}}};
        fill(route);
        host.routes.emplace_back().destinations = {{"echo||80", 1, {}}};
        listener.virtual_hosts.push_back(std::make_shared<const model::VirtualHost>(host));
      },
      policy);
}

v1::ExplainReply explain_in(const snapshot::SnapshotPtr& snapshot, const std::string& url,
                            const std::string& method = "GET",
                            const std::vector<std::pair<std::string, std::string>>& headers = {}) {
  v1::ExplainRequest request;
  request.set_method(method);
  request.set_url(url);
  for (const auto& [name, value] : headers) {
    v1::Header* header = request.add_headers();
    header->set_name(name);
    header->set_value(value);
  }
  return explain_view(request, {.snapshot = snapshot});
}

std::string actions(const v1::ExplainReply& reply) {
  std::string out;
  for (const v1::Action& action : reply.actions())
    out += action.name() + ": " + action.text() + "\n";
  return out;
}

TEST(ExplainView, TellsWhatARouteMakesOfThisRequest) {
  const auto snapshot = with_route([](model::Route& route) {
    route.rewrite.emplace();
    route.rewrite->path = model::PathRewrite{model::PathRewrite::Kind::kPrefix, "/"};
    route.rewrite->authority = "inner.example.com";
    model::HeaderRules rules;
    rules.request.set = {{"x-a", {{model::ValuePiece::Kind::kRequestHeader, "x-b", "x-c"}}}};
    rules.response.remove = {"server"};
    route.headers = std::make_shared<const model::HeaderRules>(rules);
    route.timeout = Milliseconds{1500};
    route.retries.emplace();
    route.retries->conditions = model::RetryPolicy::kReset;
    route.retries->statuses = {503};
    route.fault.emplace();
    route.fault->delay = {Milliseconds{20}, {100'000}};
    route.mirrors = {{"echo||80", {5'000}, {}}};
    route.cors.emplace();
    route.cors->allow_origins = {{model::StringMatch::Kind::kPrefix, "https://a."}};
  });
  const auto reply = explain_in(snapshot, "http://echo.example.com/api/cart?x=1", "GET",
                                {{"Origin", "https://a.example.com"}});
  EXPECT_EQ(reply.outcome(), "routed");
  EXPECT_EQ(actions(reply),
            "cors: allows https://a.example.com; origins https://a....\n"
            "fault: delay of 20 ms for 10 %\n"
            "rewrite: /api/cart?x=1 -> /cart?x=1, echo.example.com -> inner.example.com\n"
            "headers: request: set x-a: %REQ(x-b?x-c)%\n"
            "headers: answer: remove server\n"
            "timeout: 1.5 s\n"
            "retries: 2 on reset, 503; backoff 25 ms\n"
            "mirror: 0.5 % to echo||80\n");
  const auto preflight =
      explain_in(snapshot, "http://echo.example.com/api/", "OPTIONS",
                 {{"Origin", "https://a.example.com"}, {"Access-Control-Request-Method", "PUT"}});
  EXPECT_EQ(preflight.outcome(), "200 cors_preflight");
}

TEST(ExplainView, TellsWhatTheClientGetsFromTheRouteItself) {
  const auto redirect = explain_in(with_route([](model::Route& route) {
                                     route.destinations.clear();
                                     route.redirect.emplace();
                                     route.redirect->scheme = "https";
                                     route.redirect->status = 308;
                                   }),
                                   "http://echo.example.com/api/x?y");
  EXPECT_EQ(redirect.outcome(), "308 redirect");
  EXPECT_EQ(actions(redirect), "redirect: 308 to https://echo.example.com/api/x?y\n");
  const auto answer = explain_in(with_route([](model::Route& route) {
                                   route.destinations.clear();
                                   route.direct_response = model::DirectResponse{418, "tea"};
                                 }),
                                 "http://echo.example.com/api/");
  EXPECT_EQ(answer.outcome(), "418 direct_response");
  EXPECT_EQ(actions(answer), "answer: 418 with 3 bytes of text/plain\n");
  const auto abort = explain_in(with_route([](model::Route& route) {
                                  route.fault.emplace();
                                  route.fault->abort.emplace();
                                }),
                                "http://echo.example.com/api/");
  EXPECT_EQ(abort.outcome(), "503 fault_abort");
}

TEST(ExplainView, MatchesThePathAsTheListenerNormalisesIt) {
  const auto snapshot = with_route([](model::Route& route) {
    route.destinations.clear();
    route.direct_response.emplace();
  });
  const auto reply = explain_in(snapshot, "http://echo.example.com/x/../api/%61");
  EXPECT_EQ(reply.path(), "/api/a");
  EXPECT_EQ(reply.outcome(), "200 direct_response");
  EXPECT_EQ(explain_in(snapshot, "http://echo.example.com/api/").path(), "");
  EXPECT_EQ(explain_in(snapshot, "http://echo.example.com/a%00").outcome(), "400 path_encoded_nul");
}

TEST(ExplainView, TellsThePolicyOfEachDestination) {
  model::TrafficPolicy policy;
  policy.load_balancer.kind = model::LoadBalancer::Kind::kConsistentHash;
  policy.load_balancer.hash.emplace();
  policy.load_balancer.hash->key = {model::HashKey::Source::kHeader, "x-user", {}, {}, {}};
  policy.connection_pool.max_connections = 10;
  policy.connection_pool.max_requests = 20;
  policy.outlier_detection.emplace();
  policy.origin.line = 7;
  const auto reply =
      explain_in(with_route([](model::Route&) {}, policy), "http://echo.example.com/");
  ASSERT_EQ(reply.policies_size(), 1);
  std::string text;
  for (const v1::Setting& setting : reply.policies(0).settings())
    text += setting.name() + ": " + setting.text() + "\n";
  EXPECT_EQ(text,
            "balance: hash of header x-user, ring of 1024\n"
            "connections: at most 10\n"
            "in flight: at most 20\n"
            "outliers: ejected for 30 s after 5 5xx in a row, looked at each 10 s; at most 10 %\n");
  EXPECT_EQ(reply.policies(0).origin().line(), 7);
  EXPECT_EQ(actions(reply),
            "retries: 2 on connect-failure, refused-stream, cancelled, unavailable; backoff 25 ms "
            "(default)\n");
}

TEST(ExplainView, OfATcpListenerTheConnectionIsExplained) {
  const auto snapshot = snapshot_of([](model::Listener& listener) {
    listener.protocol = "TCP";
    model::TcpRoute& route = listener.tcp_routes.emplace_back();
    route.matches.emplace_back().destination_subnets = {IpPrefix::parse("10.0.0.0/8").value()};
    route.destinations = {{"echo||80", 1, {}}};
    route.origin.line = 9;
  });
  const auto reply = explain_in(snapshot, "http://10.1.2.3/");
  EXPECT_EQ(reply.outcome(), "routed");
  EXPECT_EQ(reply.route_origin().line(), 9);
  EXPECT_EQ(reply.tier_code(), "no_kernel_path");
  EXPECT_EQ(explain_in(snapshot, "http://192.0.2.1/").outcome(), "no_tcp_route");
}

TEST(ExplainView, OfAUdpListenerTheClientsDatagramsAreExplained) {
  const auto snapshot = snapshot_of([](model::Listener& listener) {
    listener.protocol = "UDP";
    model::TcpRoute& route = listener.tcp_routes.emplace_back();
    route.destinations = {{"echo||80", 1, {}}};
    route.origin.line = 9;
  });
  const auto reply = explain_in(snapshot, "http://10.1.2.3/");
  EXPECT_EQ(reply.outcome(), "routed");
  EXPECT_EQ(reply.route_origin().line(), 9);
  EXPECT_EQ(reply.virtual_host(), "udp");
}

TEST(ExplainView, ReadsTheRequestAsItsListenerDoes) {
  const std::string url = "http://echo.example.com/";
  const auto error_in = [&](const snapshot::SnapshotPtr& snapshot, const http::H1Options& options,
                            const std::string& name, const std::string& value) {
    v1::ExplainRequest request;
    request.set_method("POST");
    request.set_url(url);
    v1::Header* const header = request.add_headers();
    header->set_name(name);
    header->set_value(value);
    return explain_view(request, {.snapshot = snapshot, .http = options}).error();
  };
  const auto plain = snapshot_of([](model::Listener&) {});
  const auto strict = snapshot_of(
      [](model::Listener& listener) { listener.desync_mode = model::DesyncMode::kStrictest; });
  const auto small = snapshot_of([](model::Listener& listener) { listener.max_body_bytes = 10; });
  EXPECT_EQ(error_in(plain, {}, "Content_Length", "5"), "");
  EXPECT_THAT(error_in(strict, {}, "Content_Length", "5"), testing::HasSubstr("answers 400"));
  EXPECT_EQ(error_in(plain, {}, "Content-Length", "11"), "");
  EXPECT_EQ(error_in(small, {}, "Content-Length", "10"), "");
  EXPECT_THAT(error_in(small, {}, "Content-Length", "11"), testing::HasSubstr("answers 413"));
  http::H1Options flags;  // of the command line
  flags.limits.body_bytes = 10;
  EXPECT_THAT(error_in(plain, flags, "Content-Length", "11"), testing::HasSubstr("answers 413"));
  flags.mode = http::DesyncMode::kStrictest;
  EXPECT_THAT(error_in(plain, flags, "Content_Length", "5"), testing::HasSubstr("answers 400"));
}

TEST(ExplainView, TellsWhichEndpointsAreEjected) {
  health::ClusterView health;
  health.key = test::kV1;
  auto& ejected = health.endpoints.emplace_back();
  ejected.address = SocketAddress{IpAddress::parse("10.1.0.3").value(), 8080};
  ejected.ejected = true;
  v1::ExplainRequest request;
  request.set_method("GET");
  request.set_url("http://echo.example.com/shop");
  const auto reply = explain_view(
      request,
      {.snapshot = test::sample_snapshot(), .workers = test::sample_workers(), .health = {health}});
  EXPECT_TRUE(reply.clusters(0).endpoints(0).ejected());
  EXPECT_FALSE(reply.clusters(1).endpoints(0).ejected());
}

TEST(ExplainView, BeforeTheFirstGenerationThereIsNoListener) {
  v1::ExplainRequest request;
  request.set_method("GET");
  request.set_url("http://x/");
  EXPECT_EQ(explain_view(request, {}).outcome(), "no_listener");
}

}  // namespace
}  // namespace sluice::app
