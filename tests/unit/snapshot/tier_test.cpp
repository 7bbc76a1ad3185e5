// SPDX-License-Identifier: Apache-2.0
// Which listeners the kernel may carry, and what a person is told about the others.
#include <gmock/gmock.h>

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

}  // namespace
}  // namespace sluice::snapshot
