// SPDX-License-Identifier: Apache-2.0
// Where the agent runs: --locality before the labels of its Node.
#include <gtest/gtest.h>

#include "agent/config/config.hpp"

namespace sluice::config {
namespace {

constexpr const char* kNodes = R"(
apiVersion: v1
kind: Node
metadata:
  name: here
  labels:
    topology.kubernetes.io/region: us-east
    topology.kubernetes.io/zone: us-east-a
    disk: ssd
---
apiVersion: v1
kind: Node
metadata:
  name: there
  labels:
    topology.kubernetes.io/region: eu
)";

model::Place place_with(TranslateOptions options) {
  return Translator(std::move(options)).load_texts({{"nodes.yaml", kNodes}}).world.place;
}

TEST(Place, IsThatOfTheNode) {
  const model::Place place = place_with({.gateway_labels = {{"app", "gw"}}, .node_name = "here"});
  EXPECT_EQ(place.locality, (model::Locality{"us-east", "us-east-a", ""}));
  EXPECT_EQ(place.labels.at("disk"), "ssd");
  EXPECT_EQ(place.labels.at("app"), "gw");
  EXPECT_EQ(place.labels.at("kubernetes.io/hostname"), "here");
}

TEST(Place, IsTheFlagsWhereThereIsOne) {
  const model::Place place =
      place_with({.node_name = "here", .locality = model::Locality{"us-west", "z", ""}});
  EXPECT_EQ(place.locality, (model::Locality{"us-west", "z", ""}));
  EXPECT_EQ(place.labels.at("topology.kubernetes.io/region"), "us-west");
}

TEST(Place, IsUnknownWithoutEither) {
  EXPECT_EQ(place_with({.node_name = "elsewhere"}).locality, model::Locality{});
}

}  // namespace
}  // namespace sluice::config
