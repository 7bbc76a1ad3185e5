// SPDX-License-Identifier: Apache-2.0
#include "agent/balance/priority_load.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace sluice::balance {
namespace {

using Groups = std::vector<GroupHealth>;
using Loads = std::vector<GroupLoad>;

TEST(PriorityLoad, FollowsTheOverprovisioningFactor) {
  const std::vector<std::pair<Groups, Loads>> cases{
      {{{100, 100}, {100, 100}}, {{100}, {0}}},
      {{{100, 72}, {100, 100}}, {{100}, {0}}},
      {{{100, 71}, {100, 100}}, {{99}, {1}}},
      {{{100, 50}, {100, 100}}, {{70}, {30}}},
      {{{100, 25}, {100, 100}}, {{35}, {65}}},
      {{{100, 0}, {100, 100}}, {{0}, {100}}},
      {{{100, 25}, {100, 25}}, {{50}, {50}}},  // both cannot take everything: in proportion
      {{{100, 50}, {100, 25}, {9, 9}}, {{70}, {30}, {0}}},
      {{{100, 0}, {300, 0}}, {{25}, {75}}},  // nothing is well: by size
      {{{0, 0}, {5, 5}}, {{0}, {100}}},
  };
  for (const auto& [groups, loads] : cases) EXPECT_EQ(priority_loads(groups, 0), loads);
}

TEST(PriorityLoad, PanicOnlyWhenAllTogetherCannotTakeEverything) {
  EXPECT_FALSE(priority_loads(Groups{{10, 1}, {10, 10}}, 50)[0].panic);
  const auto loads = priority_loads(Groups{{10, 1}, {10, 6}}, 50);
  EXPECT_TRUE(loads[0].panic);
  EXPECT_FALSE(loads[1].panic);
  EXPECT_FALSE(priority_loads(Groups{{10, 0}}, 0)[0].panic);
  EXPECT_TRUE(priority_loads(Groups{{10, 0}}, 1)[0].panic);
}

TEST(PriorityLoad, LoadsAlwaysSumToAHundred) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 2000; ++round) {
    Groups groups(1 + random() % 5);
    std::size_t endpoints = 0;
    for (auto& group : groups) {
      group.endpoints = random() % 20;
      group.healthy = group.endpoints == 0 ? 0 : random() % (group.endpoints + 1);
      endpoints += group.endpoints;
    }
    if (endpoints == 0) continue;
    std::uint32_t sum = 0;
    for (const auto& load : priority_loads(groups, 50)) sum += load.percent;
    ASSERT_EQ(sum, 100U);
  }
}

}  // namespace
}  // namespace sluice::balance
