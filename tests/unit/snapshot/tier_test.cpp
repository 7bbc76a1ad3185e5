// SPDX-License-Identifier: Apache-2.0
// Which listeners the kernel may carry, and what a person is told about the others.
#include <gmock/gmock.h>

#include <functional>

#include "tests/unit/snapshot/worlds.hpp"

namespace sluice::snapshot {
namespace {

using testing::HasSubstr;

model::World world_of(std::vector<model::Route> routes, std::vector<std::string> domains = {"*"}) {
  model::World world;
  add_cluster(world, "v1", "version=v1", {"10.0.0.1:80"});
  add_cluster(world, "v2", "version=v2", {"10.0.0.2:80"});
  add_listener(world, 80, std::move(routes), std::move(domains));
  return world;
}

model::Route echo() { return route_to("echo", 12, {{"v1", 80}, {"v2", 20}}); }

// "tier code: reason", then " +headers" when forwarded headers are added.
std::string tier(const model::World& world, const BuildOptions& options = kernel()) {
  const auto snapshot = make(world, nullptr, options);
  const Listener& listener = *snapshot->listeners[0];
  return std::string(listener.tier == Tier::kConnection ? "connection " : "request ") +
         listener.tier_code + ": " + listener.tier_reason +
         (listener.add_forwarded_headers ? " +headers" : "");
}

TEST(Tier, OneDestinationForEveryRequestIsSteered) {
  EXPECT_EQ(tier(world_of({echo()})),
            "connection steerable: every request leads to the same destinations");
  const auto other = route_to("same", 30, {{"v2", 20}, {"v1", 80}});
  const auto snapshot = make(world_of({with_prefix(other, "/api"), echo()}));
  EXPECT_EQ(snapshot->listeners[0]->tier, Tier::kConnection);
  EXPECT_EQ(snapshot->destination_sets[snapshot->listeners[0]->steer_set]->key, "v1=80,v2=20");
}

TEST(Tier, UnreachableRoutesDoNotForbidSteering) {
  auto elsewhere = route_to("late", 30, {{"v1", 1}});
  EXPECT_THAT(tier(world_of({echo(), elsewhere})), HasSubstr("connection steerable"));
  elsewhere.matches.emplace_back().port = 8080;
  EXPECT_THAT(tier(world_of({elsewhere, echo()})), HasSubstr("connection steerable"));
}

TEST(Tier, RoutesThatDifferAreNamedWithTheirPlaces) {
  EXPECT_EQ(tier(world_of({with_prefix(route_to("", 30, {{"v1", 1}}), "/api"), echo()})),
            "request routes_differ: route 1 of default/echo (echo.yaml:30) and route \"echo\" of "
            "default/echo (echo.yaml:12) lead to different destinations at echo.yaml:12 +headers");
}

TEST(Tier, RequestsThatMatchNothingAreNamed) {
  EXPECT_EQ(tier(world_of({echo()}, {"echo.test"})),
            "request not_total: some requests match no route: only echo.test is served; requests "
            "for other hosts get 404 at echo.yaml:10 +headers");
  EXPECT_THAT(tier(world_of({with_prefix(echo(), "/")})), HasSubstr("connection"));
  EXPECT_THAT(tier(world_of({with_prefix(echo(), "/api")})),
              HasSubstr("requests for any other host that match no route of \"default/echo\""));
}

TEST(Tier, ARouteWithoutADestinationIsAnsweredByTheAgent) {
  EXPECT_EQ(tier(world_of({with_prefix(route_to("redirect", 30, {}), "/old"), echo()})),
            "request no_destination: route \"redirect\" of default/echo (echo.yaml:30) has no "
            "destination in force, so its requests get an error at echo.yaml:30 +headers");
  const auto snapshot = make(world_of({route_to("redirect", 30, {})}));
  EXPECT_EQ(snapshot->listeners[0]->tier, Tier::kRequest);
  EXPECT_FALSE(snapshot->destination_sets[snapshot->listeners[0]->route_sets[0]]->has_endpoint());
}

TEST(Tier, WithoutAKernelPath) {
  BuildOptions options;
  options.kernel_reason = "no CAP_BPF";
  EXPECT_EQ(tier(world_of({echo()}), options),
            "request no_kernel_path: this node has no kernel path: no CAP_BPF +headers");
}

TEST(Tier, SteerNever) {
  auto world = world_of({echo()});
  world.listeners[0].steer_after = model::SteerAfter{model::SteerAfter::Mode::kNever, 0};
  EXPECT_EQ(tier(world),
            "request steer_never: annotation sluice.dev/steer-after is \"never\" at gateway.yaml:3 "
            "+headers");
  auto options = kernel();
  options.steer_after.mode = model::SteerAfter::Mode::kNever;
  EXPECT_EQ(tier(world_of({echo()}), options),
            "request steer_never: the agent runs with --steer-after never +headers");
  // The listener's own word overrides the agent's.
  world.listeners[0].steer_after = model::SteerAfter{model::SteerAfter::Mode::kCount, 3};
  const auto snapshot = make(world, nullptr, options);
  EXPECT_EQ(snapshot->listeners[0]->tier, Tier::kConnection);
  EXPECT_EQ(snapshot->listeners[0]->steer_after.count, 3U);
}

TEST(Tier, ForwardedHeaders) {
  auto world = world_of({echo()});
  auto options = kernel();
  options.forwarded_headers = model::ForwardedHeaders::kAdd;
  EXPECT_THAT(tier(world, options),
              HasSubstr("request forwarded_headers: --forwarded-headers add"));
  EXPECT_THAT(tier(world, options), HasSubstr("+headers"));
  world.listeners[0].forwarded_headers = model::ForwardedHeaders::kAuto;
  EXPECT_THAT(tier(world, options), testing::Not(HasSubstr("+headers")));
  EXPECT_THAT(tier(world, options), HasSubstr("connection steerable"));
  world.listeners[0].forwarded_headers = model::ForwardedHeaders::kAdd;
  EXPECT_THAT(tier(world), HasSubstr("annotation sluice.dev/forwarded-headers: add adds forwarded "
                                     "headers to every request, which the kernel cannot at "
                                     "gateway.yaml:3"));
  // none: not even on the request tier.
  world.listeners[0].forwarded_headers = model::ForwardedHeaders::kNone;
  BuildOptions no_kernel;
  EXPECT_THAT(tier(world, no_kernel), testing::Not(HasSubstr("+headers")));
}

// What one change to the only route makes of its listener.
std::string tier_with(const std::function<void(model::Route&)>& change) {
  model::Route route = echo();
  route.origin.path = "spec.http[0]";
  change(route);
  return tier(world_of({std::move(route)}));
}

TEST(Tier, EachActionOfARouteNeedsTheAgentAndIsNamed) {
  const std::string is = "request ";
  const std::string route = ": route \"echo\" of default/echo (echo.yaml:12) ";
  const auto expect = [&](const char* code, const char* what,
                          const std::function<void(model::Route&)>& change) {
    EXPECT_EQ(tier_with(change), is + code + route + what +
                                     ": the agent must see every request at echo.yaml:12 +headers");
  };
  model::HeaderRules rules;
  rules.response.remove.emplace_back("server");
  const auto headers = std::make_shared<const model::HeaderRules>(rules);
  expect("redirect", "redirects", [](auto& r) { r.redirect.emplace(); });
  expect("direct_response", "answers by itself", [](auto& r) { r.direct_response.emplace(); });
  expect("rewrite", "rewrites the path or the authority", [](auto& r) { r.rewrite.emplace(); });
  expect("headers", "changes headers", [&](auto& r) { r.headers = headers; });
  expect("timeout", "has a timeout", [](auto& r) { r.timeout = Milliseconds{5}; });
  expect("retries", "has retries", [](auto& r) { r.retries.emplace(); });
  expect("fault", "injects faults", [](auto& r) { r.fault.emplace(); });
  expect("cors", "has a CORS policy", [](auto& r) { r.cors.emplace(); });
  EXPECT_THAT(tier_with([](auto& r) { r.mirrors = {{"v2", {}, at(15)}}; }),
              HasSubstr("request mirror: route \"echo\" of default/echo (echo.yaml:12) mirrors "
                        "requests: the agent must see every request at echo.yaml:15"));
  EXPECT_THAT(tier_with([&](auto& r) { r.destinations[0].headers = headers; }),
              HasSubstr("request headers: a destination of route \"echo\""));
}

TEST(Tier, TheFieldIsPartOfTheOrigin) {
  model::Route route = echo();
  route.origin.path = "spec.http[0]";
  route.timeout = Milliseconds{5};
  const auto snapshot = make(world_of({route}));
  EXPECT_EQ(snapshot->listeners[0]->tier_origin.path, "spec.http[0].timeout");
}

TEST(Tier, RetriesThatAreSwitchedOffActOnNothing) {
  EXPECT_THAT(tier_with([](auto& r) { r.retries.emplace().attempts = 0; }),
              HasSubstr("connection steerable"));
}

TEST(Tier, ActionsOfRoutesThatNothingReachesDoNotCount) {
  auto late = route_to("late", 30, {{"v1", 1}});
  late.redirect.emplace();
  EXPECT_THAT(tier(world_of({echo(), late})), HasSubstr("connection steerable"));
}

TEST(Tier, HttpsRedirectOfAHost) {
  auto world = world_of({echo()});
  auto host = *world.listeners[0].virtual_hosts[0];
  host.https_redirect = true;
  world.listeners[0].virtual_hosts[0] = std::make_shared<const model::VirtualHost>(host);
  EXPECT_EQ(tier(world),
            "request https_redirect: tls.httpsRedirect sends the clients of default/echo to https "
            "at echo.yaml:10 +headers");
}

std::string tier_with_policy(const std::function<void(model::TrafficPolicy&)>& change,
                             const char* key = "v2") {
  auto world = world_of({echo()});
  model::Cluster cluster = *world.clusters[key];
  model::TrafficPolicy policy;
  policy.origin = at(50, "rule.yaml");
  policy.origin.path = "spec.trafficPolicy";
  change(policy);
  cluster.policy = std::make_shared<const model::TrafficPolicy>(policy);
  world.clusters[key] = std::make_shared<const model::Cluster>(cluster);
  return tier(world);
}

TEST(Tier, EachPolicyThatCountsRequestsNeedsTheAgentAndIsNamed) {
  const auto expect = [&](const std::string& code, const std::string& what,
                          const std::function<void(model::TrafficPolicy&)>& change) {
    EXPECT_EQ(tier_with_policy(change),
              "request " + code + ": cluster v2 " + what +
                  ": the agent must see every request at rule.yaml:50 +headers");
  };
  expect("consistent_hash", "is balanced by a hash of the request",
         [](auto& p) { p.load_balancer.kind = model::LoadBalancer::Kind::kConsistentHash; });
  expect("max_requests", "limits requests in flight",
         [](auto& p) { p.connection_pool.max_requests = 1; });
  expect("max_pending_requests", "limits pending requests",
         [](auto& p) { p.connection_pool.max_pending_requests = 1; });
  expect("max_requests_per_connection", "limits the requests of a connection",
         [](auto& p) { p.connection_pool.max_requests_per_connection = 1; });
  expect("max_connections", "limits connections",
         [](auto& p) { p.connection_pool.max_connections = 1; });
  expect("max_connection_duration", "lets a connection live for less than a second",
         [](auto& p) { p.connection_pool.max_connection_duration = Milliseconds{999}; });
  const std::string watched = "is watched by outlier detection, which counts answers with 5xx";
  expect("outlier_detection", watched, [](auto& p) { p.outlier_detection.emplace(); });
  expect("outlier_detection", watched, [](auto& p) {
    p.outlier_detection = {.consecutive_gateway_errors = 1, .consecutive_5xx_errors = 0};
  });
  expect("upstream_proxy_protocol", "gets a PROXY header on each connection",
         [](auto& p) { p.proxy_protocol = 2; });
  EXPECT_THAT(tier_with_policy([](auto& p) {
                p.load_balancer.kind = model::LoadBalancer::Kind::kRandom;
                p.connection_pool.connect_timeout = Milliseconds{1};
                p.connection_pool.max_connection_duration = Milliseconds{1'000};
                p.outlier_detection = {.split_external_local_origin_errors = true,
                                       .consecutive_5xx_errors = 0};
                p.retry_budget.emplace();
              }),
              HasSubstr("connection steerable"));
}

TEST(Tier, AListenersOwnWishesAndTheAccessLog) {
  const auto with = [](const std::function<void(model::Listener&)>& change) {
    auto world = world_of({echo()});
    change(world.listeners[0]);
    return tier(world);
  };
  EXPECT_THAT(with([](auto& l) { l.path_normalization = model::PathNormalization::kBase; }),
              HasSubstr("request path_normalization: annotation sluice.dev/path-normalization: "
                        "every path is normalised at gateway.yaml:3"));
  EXPECT_THAT(with([](auto& l) { l.path_normalization = model::PathNormalization::kNone; }),
              HasSubstr("connection steerable"));
  EXPECT_THAT(with([](auto& l) { l.desync_mode = model::DesyncMode::kStrictest; }),
              HasSubstr("request desync_mode: annotation sluice.dev/desync-mode"));
  EXPECT_THAT(with([](auto& l) { l.desync_mode = model::DesyncMode::kMonitor; }),
              HasSubstr("connection steerable"));
  EXPECT_THAT(with([](auto& l) { l.max_body_bytes = 1; }), HasSubstr("request max_body_bytes"));
  EXPECT_THAT(with([](auto& l) { l.max_connections = 1; }),
              HasSubstr("request listener_max_connections"));
  auto options = kernel();
  options.access_log_per_request = true;
  EXPECT_THAT(tier(world_of({echo()}), options), HasSubstr("request access_log"));
  options = kernel();
  options.request_flag = "--max-body-bytes: every body is counted";
  EXPECT_THAT(tier(world_of({echo()}), options), HasSubstr("request request_flag: --max-body"));
  options = kernel();
  options.path_normalization = model::PathNormalization::kMergeSlashes;
  EXPECT_THAT(tier(world_of({echo()}), options),
              HasSubstr("request path_normalization: --path-normalization"));
}

TEST(Tier, PathsAreOnlyNormalisedWhereOneDecidesSomething) {
  using model::PathNormalization;
  const auto normalization = [](const model::World& world, const BuildOptions& options = kernel()) {
    return make(world, nullptr, options)->listeners[0]->path_normalization;
  };
  const auto other = route_to("other", 30, {{"v1", 1}});
  EXPECT_EQ(normalization(world_of({echo()})), PathNormalization::kNone);
  EXPECT_EQ(normalization(world_of({with_prefix(other, "/api"), echo()})),
            PathNormalization::kMergeSlashes);
  // All lead to the same place, so that the kernel may carry it: as it came, with or without the kernel.
  const auto same = world_of({with_prefix(echo(), "/api"), echo()});
  EXPECT_EQ(normalization(same), PathNormalization::kNone);
  EXPECT_EQ(normalization(same, BuildOptions{}), PathNormalization::kNone);
  auto by_header = other;
  by_header.matches.emplace_back().headers = {{"x", {model::StringMatch::Kind::kPresent, {}}}};
  EXPECT_EQ(normalization(world_of({by_header, with_prefix(echo(), "/")})),
            PathNormalization::kNone);
  auto options = kernel();
  options.path_normalization = PathNormalization::kBase;
  EXPECT_EQ(normalization(same, options), PathNormalization::kBase);
  auto own = same;
  own.listeners[0].path_normalization = PathNormalization::kDecodeAndMergeSlashes;
  EXPECT_EQ(normalization(own, options), PathNormalization::kDecodeAndMergeSlashes);
}

TEST(Tier, ConnectionsThatTheAgentMustReadItselfStayWithIt) {
  auto world = world_of({echo()});
  world.listeners[0].proxy_protocol = true;
  EXPECT_THAT(tier(world),
              HasSubstr("request proxy_protocol: annotation sluice.dev/proxy-protocol"));
  world.listeners[0].proxy_protocol = false;
  world.listeners[0].protocol = "TCP";
  EXPECT_THAT(tier(world), HasSubstr("request tcp_listener: "));
  world.listeners[0].protocol = "UDP";
  EXPECT_THAT(tier(world), HasSubstr("request udp_listener: "));
}

TEST(Tier, WhoseAddressPodsSeeIsSaidWithItsReason) {
  auto world = world_of({echo()});
  BuildOptions options = kernel();
  const auto built = [&] { return make(world, nullptr, options)->listeners[0]; };
  EXPECT_FALSE(built()->preserve_client);
  EXPECT_EQ(built()->client_address_reason, "") << "nobody asked for more";
  world.listeners[0].client_address = model::ClientAddress::kPreserve;
  EXPECT_TRUE(built()->preserve_client);
  for (const char* protocol : {"TCP", "UDP"}) {
    world.listeners[0].protocol = protocol;
    EXPECT_FALSE(built()->preserve_client) << protocol;
    EXPECT_THAT(built()->client_address_reason, HasSubstr("for HTTP listeners"));
  }
  world.listeners[0].protocol = "HTTP";
  options.kernel_path = false;
  options.kernel_reason = "switched off";
  EXPECT_FALSE(built()->preserve_client);
  EXPECT_THAT(built()->client_address_reason, HasSubstr("no kernel path: switched off"));
}

}  // namespace
}  // namespace sluice::snapshot
