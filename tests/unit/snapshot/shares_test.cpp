// SPDX-License-Identifier: Apache-2.0
// What becomes of a share whose subset has no ready endpoint.
#include <gmock/gmock.h>

#include "tests/unit/snapshot/worlds.hpp"

namespace sluice::snapshot {
namespace {

using testing::HasSubstr;

model::World echo(const std::string& v2_selector, const std::vector<std::string>& v2_endpoints,
                  const std::vector<std::string>& v1_endpoints = {"10.0.0.1:80"}) {
  model::World world;
  add_cluster(world, "v1", "version=v1", v1_endpoints);
  add_cluster(world, "v2", v2_selector, v2_endpoints);
  add_listener(world, 80, {route_to("echo", 12, {{"v1", 80}, {"v2", 20}})});
  return world;
}

std::string only_set(const SnapshotPtr& snapshot) {
  EXPECT_EQ(snapshot->destination_sets.size(), 1U);
  return shares(*snapshot->destination_sets[0]);
}

TEST(Shares, ReadyEndpointsOnly) {
  const auto snapshot = make(echo("version=v2", {"10.0.0.2:80", "10.0.0.3:80!", "10.0.0.4:80~"}));
  EXPECT_EQ(only_set(snapshot), "v1 80->80 ready 10.0.0.1:80\nv2 20->20 ready 10.0.0.2:80\n");
  EXPECT_EQ(conditions(*snapshot), "");
}

TEST(Shares, AnEmptySubsetLeavesItsShareToItsSiblings) {
  const auto snapshot = make(echo("version=v2", {"10.0.0.2:80!", "10.0.0.3:80~"}));
  EXPECT_EQ(only_set(snapshot), "v1 80->80 ready 10.0.0.1:80\nv2 20->0 empty\n");
  EXPECT_TRUE(snapshot->destination_sets[0]->has_endpoint());
  EXPECT_EQ(
      conditions(*snapshot),
      "rule.yaml:40: subset_empty v2: subset \"v2\" of echo port 80 (version=v2) has no ready "
      "endpoint; its share goes to the other 1 destination of its route\n");
}

TEST(Shares, AChangedSelectorThatFindsNothingKeepsTheEndpointsBefore) {
  const auto before = make(echo("version=v2", {"10.0.0.2:80", "10.0.0.3:80"}));
  // The pods are still ready: the same addresses show up in the subset-less cluster.
  auto world = echo("version=v-2", {});
  add_cluster(world, "all", "", {"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80!"});
  const auto after = make(world, before);
  EXPECT_EQ(only_set(after), "v1 80->80 ready 10.0.0.1:80\nv2 20->20 kept 10.0.0.2:80\n");
  EXPECT_THAT(conditions(*after), HasSubstr("subset_kept v2: subset \"v2\" of echo port 80 "
                                            "(version=v-2) has no ready endpoint since"));

  // Kept over further generations, also through another change, as long as they are ready.
  const auto third = make(world, after);
  EXPECT_EQ(only_set(third), only_set(after));
  auto changed = *world.clusters["v2"];
  changed.selector = "version=v--2";
  world.clusters["v2"] = std::make_shared<const model::Cluster>(std::move(changed));
  const auto fourth = make(world, third);
  EXPECT_EQ(only_set(fourth), only_set(after));

  // The pod goes away: now the share is spread, and it does not come back by itself.
  auto gone = world;
  add_cluster(gone, "all", "", {"10.0.0.1:80", "10.0.0.2:80!"});
  const auto fifth = make(gone, fourth);
  EXPECT_EQ(only_set(fifth), "v1 80->80 ready 10.0.0.1:80\nv2 20->0 empty\n");
  EXPECT_EQ(only_set(make(world, fifth)), only_set(fifth));

  // The selector finds pods: ready, and nothing is kept any more.
  const auto repaired = make(echo("version=v2", {"10.0.0.9:80"}), fourth);
  EXPECT_THAT(only_set(repaired), HasSubstr("v2 20->20 ready 10.0.0.9:80"));
  EXPECT_TRUE(repaired->kept.empty());
}

TEST(Shares, PodsThatGoUnreadyUnderTheSameSelectorAreNotKept) {
  const auto before = make(echo("version=v2", {"10.0.0.2:80"}));
  auto world = echo("version=v2", {});
  add_cluster(world, "all", "", {"10.0.0.2:80"});  // relabelled away on purpose
  EXPECT_THAT(only_set(make(world, before)), HasSubstr("v2 20->0 empty"));
}

TEST(Shares, WhenNoneIsReadyThoseThatStillServeAreUsed) {
  const auto snapshot = make(echo("version=v2", {"10.0.0.2:80~"}, {"10.0.0.1:80!"}));
  EXPECT_EQ(only_set(snapshot), "v1 80->0 empty\nv2 20->20 draining 10.0.0.2:80\n");
  EXPECT_THAT(conditions(*snapshot), HasSubstr("no_endpoints v2"));
  EXPECT_THAT(conditions(*snapshot), HasSubstr("1 endpoint that still serve"));
}

TEST(Shares, NothingAtAllIs503WithACondition) {
  const auto snapshot = make(echo("version=v2", {}, {"10.0.0.1:80!"}));
  EXPECT_EQ(only_set(snapshot), "v1 80->80 empty\nv2 20->20 empty\n");
  EXPECT_FALSE(snapshot->destination_sets[0]->has_endpoint());
  EXPECT_THAT(conditions(*snapshot), HasSubstr("no_endpoints v1"));
  EXPECT_THAT(conditions(*snapshot), HasSubstr("no_endpoints v2"));
  EXPECT_THAT(conditions(*snapshot), HasSubstr("answered 503"));
}

TEST(Shares, WeightZeroNeverInheritsAShare) {
  model::World world;
  add_cluster(world, "v1", "version=v1", {"10.0.0.1:80"});
  add_cluster(world, "v2", "version=v2", {});
  add_listener(world, 80, {route_to("echo", 12, {{"v1", 0}, {"v2", 100}})});
  const auto snapshot = make(world);
  EXPECT_EQ(only_set(snapshot), "v1 0->0 ready 10.0.0.1:80\nv2 100->100 empty\n");
  EXPECT_FALSE(snapshot->destination_sets[0]->has_endpoint());
}

TEST(Shares, EqualDestinationsAreOneSet) {
  model::World world;
  add_cluster(world, "v1", "version=v1", {"10.0.0.1:80"});
  add_cluster(world, "v2", "version=v2", {"10.0.0.2:80"});
  add_listener(world, 80,
               {with_prefix(route_to("a", 12, {{"v1", 80}, {"v2", 20}}), "/a"),
                with_prefix(route_to("b", 20, {{"v2", 20}, {"v1", 30}, {"v1", 50}}), "/b"),
                route_to("c", 30, {{"v1", 20}, {"v2", 80}})});
  const auto snapshot = make(world);
  ASSERT_EQ(snapshot->destination_sets.size(), 2U);
  EXPECT_EQ(snapshot->destination_sets[0]->key, "v1=80,v2=20");
  EXPECT_EQ(snapshot->listeners[0]->route_sets, (std::vector<std::uint32_t>{0, 0, 1}));
  for (std::uint32_t i = 0; i < 2; ++i) EXPECT_EQ(snapshot->destination_sets[i]->id, i);
}

TEST(Shares, TheSameInputGivesTheSameSnapshot) {
  const auto world = echo("version=v2", {"10.0.0.2:80"});
  const auto a = make(world);
  const auto b = make(world);
  EXPECT_EQ(only_set(a), only_set(b));
  EXPECT_EQ(a->destination_sets[0]->key, b->destination_sets[0]->key);
  EXPECT_EQ(a->listeners[0]->tier_reason, b->listeners[0]->tier_reason);
}

TEST(Shares, ADestinationWithoutAClusterFailsTheBuild) {
  model::World world;
  add_listener(world, 80, {route_to("echo", 12, {{"nowhere", 1}})});
  const auto out = build(world, 1, nullptr, kernel());
  ASSERT_FALSE(out);
  EXPECT_THAT(out.error().message, HasSubstr("echo.yaml:13: route \"echo\" leads to cluster"));
}

TEST(Shares, TcpRoutesLeadToSetsAsHttpRoutesDo) {
  model::World world;
  add_cluster(world, "v1", "", {"10.0.0.1:80"});
  add_cluster(world, "v2", "", {"10.0.0.2:80"});
  add_listener(world, 80, {route_to("a", 1, {{"v1", 1}, {"v2", 3}})});
  model::Listener tcp;
  tcp.name = "0.0.0.0:5432";
  tcp.port = 5432;
  tcp.protocol = "TCP";
  tcp.tcp_routes.resize(2);
  tcp.tcp_routes[0].destinations = {{"v2", 1, at(7)}};
  tcp.tcp_routes[1].destinations = {{"v2", 3, at(8)}, {"v1", 1, at(9)}};
  world.listeners.push_back(tcp);
  const auto snapshot = make(world);
  ASSERT_EQ(snapshot->listeners[1]->tcp_sets.size(), 2U);
  EXPECT_EQ(snapshot->destination_sets[snapshot->listeners[1]->tcp_sets[0]]->key, "v2=1");
  EXPECT_EQ(snapshot->listeners[1]->tcp_sets[1], snapshot->listeners[0]->route_sets[0]);
  world.listeners[1].tcp_routes[0].destinations[0].cluster = "gone";
  const auto failed = build(world, 1, nullptr, kernel());
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message,
            "echo.yaml:7: a TCP route leads to cluster \"gone\", which does not exist");
}

}  // namespace
}  // namespace sluice::snapshot
