// SPDX-License-Identifier: Apache-2.0
// Endpoints of a share have priorities and weights as seen from where the agent runs.
#include "tests/unit/snapshot/worlds.hpp"

namespace sluice::snapshot {
namespace {

// Three endpoints at growing distance from us-east/a; the nearest may be unready.
model::World world_at(model::Place place, bool nearest_ready = true, bool detects = true) {
  model::World world;
  model::Cluster cluster;
  cluster.key = cluster.host = "echo";
  const model::Locality places[] = {{"us-east", "a", ""}, {"us-east", "b", ""}, {"eu", "eu-1", ""}};
  for (int i = 0; i < 3; ++i) {
    cluster.endpoints.push_back(endpoint("10.0.0." + std::to_string(i + 1) + ":80"));
    cluster.endpoints.back().locality = places[i];
  }
  cluster.endpoints[0].ready = nearest_ready;
  model::TrafficPolicy policy;
  if (detects) policy.outlier_detection.emplace();
  cluster.policy = std::make_shared<const model::TrafficPolicy>(policy);
  world.clusters.emplace("echo", std::make_shared<const model::Cluster>(std::move(cluster)));
  add_listener(world, 80, {route_to("all", 1, {{"echo", 1}})});
  world.place = std::move(place);
  return world;
}

const model::Place kEast{{"us-east", "a", ""}, {}};
const model::Place kEurope{{"eu", "eu-1", ""}, {}};

std::vector<std::uint32_t> priorities(const SnapshotPtr& snapshot) {
  std::vector<std::uint32_t> out;
  for (const auto& endpoint : snapshot->destination_sets.at(0)->shares.at(0).endpoints) {
    out.push_back(endpoint.priority);
  }
  return out;
}

TEST(Locality, NearEndpointsComeFirst) {
  EXPECT_EQ(priorities(make(world_at(kEast))), (std::vector<std::uint32_t>{0, 1, 2}));
  EXPECT_EQ(priorities(make(world_at(kEurope))), (std::vector<std::uint32_t>{1, 1, 0}));
}

TEST(Locality, AllAreEqualWhereNothingIsKnownToFailOver) {
  EXPECT_EQ(priorities(make(world_at({}))), (std::vector<std::uint32_t>{0, 0, 0}));
  EXPECT_EQ(priorities(make(world_at(kEast, true, false))), (std::vector<std::uint32_t>{0, 0, 0}));
}

TEST(Locality, AnEndpointThatIsNotReadyIsNoNearest) {
  EXPECT_EQ(priorities(make(world_at(kEast, false))), (std::vector<std::uint32_t>{0, 1}));
}

TEST(Locality, AnotherPlaceIsAnotherOrderThoughNoClusterChanged) {
  auto world = world_at(kEast);
  const auto before = make(world);
  EXPECT_EQ(make(world, before)->destination_sets, before->destination_sets);
  world.place = kEurope;
  const auto after = make(world, before);
  EXPECT_EQ(after->clusters, before->clusters);
  EXPECT_EQ(priorities(after), (std::vector<std::uint32_t>{1, 1, 0}));
}

}  // namespace
}  // namespace sluice::snapshot
