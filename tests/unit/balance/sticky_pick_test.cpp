// SPDX-License-Identifier: Apache-2.0
// Users stay with their subset: a change of weights moves as few as it must, all in one direction.
#include "agent/balance/sticky_pick.hpp"

#include <gtest/gtest.h>

#include <random>

#include "agent/balance/hash.hpp"

namespace sluice::balance {
namespace {

using Weights = std::vector<std::uint64_t>;

constexpr std::uint64_t kUsers = 20'000;

std::size_t subset(const Weights& weights, std::uint64_t user) {
  return StickyPick(weights).pick(hash64(std::to_string(user))).value();
}

TEST(StickyPick, NothingToPick) {
  EXPECT_FALSE(StickyPick().pick(1));
  EXPECT_FALSE(StickyPick(Weights{}).pick(1));
  EXPECT_FALSE(StickyPick(Weights{0, 0}).pick(1));
}

TEST(StickyPick, SharesAreTheWeights) {
  for (const auto& [weights, canary] : std::vector<std::pair<Weights, double>>{
           {{90, 10}, 0.1}, {{3, 1}, 0.25}, {{999, 1}, 0.001}}) {
    const StickyPick pick(weights);
    double taken = 0;
    for (std::uint64_t user = 0; user < kUsers; ++user) {
      if (pick.pick(hash64(std::to_string(user))) == 1U) ++taken;
    }
    EXPECT_NEAR(taken / kUsers, canary, 0.01);
  }
}

TEST(StickyPick, RaisingACanaryMovesUsersToItAndNobodyBack) {
  const std::vector<Weights> steps{{100, 0}, {99, 1}, {90, 10}, {75, 25}, {50, 50}, {0, 100}};
  for (std::uint64_t user = 0; user < kUsers; ++user) {
    std::size_t before = 0;
    for (const Weights& weights : steps) {
      const std::size_t now = subset(weights, user);
      ASSERT_GE(now, before);
      before = now;
    }
    ASSERT_EQ(before, 1U);
  }
}

TEST(StickyPick, UnitsOfWeightsDoNotMatter) {
  for (std::uint64_t user = 0; user < 1000; ++user) {
    EXPECT_EQ(subset({9, 1}, user), subset({9'000'000, 1'000'000}, user));
  }
}

// Whatever the shares of the first two boundaries become: only users between the old and the new boundary move.
TEST(StickyPick, OnlyUsersBetweenTheBoundariesMove) {
  std::mt19937_64 random(99);
  for (int round = 0; round < 200; ++round) {
    Weights old_weights{random() % 50, random() % 50, random() % 50 + 1};
    Weights new_weights = old_weights;
    const std::uint64_t given = old_weights[1] == 0 ? 0 : random() % old_weights[1];
    new_weights[1] -= given;  // from the second to the third
    new_weights[2] += given;
    for (std::uint64_t user = 0; user < 200; ++user) {
      const auto before = subset(old_weights, user);
      const auto after = subset(new_weights, user);
      ASSERT_TRUE(before == after || (before == 1 && after == 2));
    }
  }
}

TEST(StickyPick, HugeWeightsDoNotOverflow) {
  const StickyPick pick(Weights(8, UINT64_MAX));
  std::vector<int> counts(8);
  for (std::uint64_t user = 0; user < 8000; ++user) ++counts[pick.pick(remix(user)).value()];
  for (const int count : counts) EXPECT_NEAR(count, 1000, 150);
}

}  // namespace
}  // namespace sluice::balance
