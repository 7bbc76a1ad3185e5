// SPDX-License-Identifier: Apache-2.0
// What two generations share: everything that did not change, by pointer; and nothing that did.
#include <gmock/gmock.h>

#include "tests/unit/snapshot/worlds.hpp"

namespace sluice::snapshot {
namespace {

using testing::HasSubstr;

model::VirtualHostPtr host(const std::string& name, std::vector<model::Route> routes) {
  model::VirtualHost out;
  out.name = "default/" + name;
  out.domains = {name + ".test"};
  out.routes = std::move(routes);
  return std::make_shared<const model::VirtualHost>(std::move(out));
}

// Two hosts on one listener, each with a cluster of its own, and a second listener.
model::World two_hosts() {
  model::World world;
  add_cluster(world, "a", "", {"10.0.0.1:80"});
  add_cluster(world, "b", "", {"10.0.0.2:80"});
  add_listener(world, 80, {});
  world.listeners[0].virtual_hosts = {host("a", {route_to("a", 12, {{"a", 1}})}),
                                      host("b", {route_to("b", 22, {{"b", 1}})})};
  add_listener(world, 81, {route_to("all", 32, {{"a", 1}, {"b", 1}})});
  return world;
}

const DestinationSetPtr& set_of(const SnapshotPtr& snapshot, const std::string& key) {
  static const DestinationSetPtr none;
  for (const auto& set : snapshot->destination_sets) {
    if (set && set->key == key) return set;
  }
  return none;
}

TEST(Sharing, TheSameWorldGivesTheSameParts) {
  const auto world = two_hosts();
  const auto before = make(world);
  const auto after = make(world, before);
  EXPECT_EQ(after->listeners, before->listeners);
  EXPECT_EQ(after->destination_sets, before->destination_sets);
  EXPECT_EQ(after->clusters, before->clusters);
  EXPECT_EQ(after->generation, before->generation + 1);
}

TEST(Sharing, AnEndpointChangesItsSetsAndNoListener) {
  auto world = two_hosts();
  const auto before = make(world);
  add_cluster(world, "b", "", {"10.0.0.2:80", "10.0.0.3:80"});
  const auto after = make(world, before);
  EXPECT_EQ(after->listeners, before->listeners);
  EXPECT_EQ(set_of(after, "a=1"), set_of(before, "a=1"));
  EXPECT_NE(set_of(after, "b=1"), set_of(before, "b=1"));
  EXPECT_EQ(set_of(after, "b=1")->id, set_of(before, "b=1")->id);
  EXPECT_EQ(set_of(after, "b=1")->shares[0].endpoints.size(), 2U);
  EXPECT_EQ(set_of(after, "a=1,b=1")->shares[1].endpoints.size(), 2U);
}

TEST(Sharing, ARouteChangesItsListenerAndNoSet) {
  auto world = two_hosts();
  const auto before = make(world);
  world.listeners[0].virtual_hosts[0] = host(
      "a", {with_prefix(route_to("new", 12, {{"b", 1}}), "/new"), route_to("a", 13, {{"a", 1}})});
  const auto after = make(world, before);
  EXPECT_NE(after->listeners[0], before->listeners[0]);
  EXPECT_EQ(after->listeners[1], before->listeners[1]);
  EXPECT_EQ(after->listeners[0]->route_sets,
            (std::vector<std::uint32_t>{set_of(after, "b=1")->id, set_of(after, "a=1")->id,
                                        set_of(after, "b=1")->id}));
  EXPECT_EQ(set_of(after, "b=1"), set_of(before, "b=1"));
  http::RequestHead head;
  head.authority = "b.test";
  head.path = "/";
  const auto decision = after->listeners[0]->routes.match(head);
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->route->name, "b");
  EXPECT_EQ(decision->route_id, 2U);
}

TEST(Sharing, AWeightMakesANewSetAndTheIdOfTheOldOneIsUsedAgain) {
  auto world = two_hosts();
  const auto before = make(world);
  const auto reweighted = [](std::uint64_t a) {
    return host("a", {route_to("a", 12, {{"a", a}, {"b", 1}})});
  };
  world.listeners[0].virtual_hosts[0] = reweighted(9);
  const auto after = make(world, before);
  EXPECT_FALSE(set_of(after, "a=1"));
  EXPECT_EQ(set_of(after, "b=1"), set_of(before, "b=1"));
  EXPECT_EQ(set_of(after, "a=9,b=1")->shares[0].weight, 9U);
  // A hundred more changes: free ids are used again, so that the list does not grow.
  SnapshotPtr last = after;
  for (std::uint64_t weight = 10; weight < 110; ++weight) {
    world.listeners[0].virtual_hosts[0] = reweighted(weight);
    last = make(world, last);
    const auto& set = set_of(last, "a=" + std::to_string(weight) + ",b=1");
    ASSERT_TRUE(set);
    EXPECT_EQ(last->destination_sets[set->id], set);
    EXPECT_EQ(last->listeners[0]->route_sets[0], set->id);
  }
  EXPECT_LE(last->destination_sets.size(), before->destination_sets.size() + 1);
}

TEST(Sharing, ConditionsComeAndGoWithTheirCluster) {
  auto world = two_hosts();
  const auto before = make(world);
  EXPECT_EQ(conditions(*before), "");
  add_cluster(world, "b", "", {"10.0.0.2:80!"});
  const auto empty = make(world, before);
  EXPECT_THAT(conditions(*empty), HasSubstr("no_endpoints b"));
  EXPECT_THAT(conditions(*empty), HasSubstr("subset_empty b"));
  // Still told when something else changes.
  add_cluster(world, "a", "", {"10.0.0.9:80"});
  EXPECT_THAT(conditions(*make(world, empty)), HasSubstr("subset_empty b"));
  add_cluster(world, "b", "", {"10.0.0.2:80"});
  EXPECT_EQ(conditions(*make(world, empty)), "");
}

TEST(Sharing, AClusterThatGoesWhileARouteNamesItFailsTheBuild) {
  auto world = two_hosts();
  const auto before = make(world);
  world.clusters.erase("b");
  const auto out = build(world, 2, before, kernel());
  ASSERT_FALSE(out);
  EXPECT_THAT(out.error().message, HasSubstr("leads to cluster \"b\", which does not exist"));
}

// Whatever came before: a build on a previous generation is worth the same as one from nothing.
TEST(Sharing, AnyHistoryLeadsToTheSameRouting) {
  std::uint32_t random = 7;
  const auto below = [&random](std::uint32_t limit) {
    random = random * 1664525U + 1013904223U;
    return (random >> 16) % limit;
  };
  auto world = two_hosts();
  SnapshotPtr last = make(world);
  for (int step = 0; step < 300; ++step) {
    auto& hosts = world.listeners[0].virtual_hosts;
    switch (below(5)) {
      case 0:
        hosts.insert(hosts.begin() + below(static_cast<std::uint32_t>(hosts.size()) + 1),
                     host("h" + std::to_string(step),
                          {with_prefix(route_to("p", step, {{"a", 1 + below(3)}}), "/p"),
                           route_to("r", step, {{"b", 1 + below(3)}, {"a", below(3)}})}));
        break;
      case 1:
        if (hosts.size() > 1)
          hosts.erase(hosts.begin() + below(static_cast<std::uint32_t>(hosts.size())));
        break;
      case 2:
        add_cluster(world, below(2) == 0 ? "a" : "b", "",
                    {"10.0.1." + std::to_string(below(3)) + ":80" + (below(3) == 0 ? "!" : "")});
        break;
      case 3:
        std::swap(hosts[below(static_cast<std::uint32_t>(hosts.size()))], hosts[0]);
        break;
      default:
        hosts[0] = host("h" + std::to_string(step), {route_to("r", step, {{"b", 1 + below(4)}})});
    }
    last = make(world, last);
    const auto fresh = make(world);
    ASSERT_EQ(conditions(*last), conditions(*fresh)) << step;
    for (std::size_t l = 0; l < fresh->listeners.size(); ++l) {
      const Listener& a = *last->listeners[l];
      const Listener& b = *fresh->listeners[l];
      ASSERT_EQ(a.tier_reason, b.tier_reason);
      ASSERT_EQ(a.routes.reachable(), b.routes.reachable());
      ASSERT_EQ(a.route_sets.size(), b.route_sets.size());
      for (std::size_t id = 0; id < b.route_sets.size(); ++id) {
        const auto& set = last->destination_sets[a.route_sets[id]];
        ASSERT_EQ(shares(*set), shares(*fresh->destination_sets[b.route_sets[id]])) << step;
        ASSERT_EQ(set->id, a.route_sets[id]);
      }
    }
  }
}

}  // namespace
}  // namespace sluice::snapshot
