// SPDX-License-Identifier: Apache-2.0
// A weight is a promise: every choice is within one pick of its share at every moment, not on
// average.
#include "agent/balance/weighted_pick.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace sluice::balance {
namespace {

using Weights = std::vector<std::uint64_t>;
__extension__ using Wide = __int128;

// Picks `steps` times and fails at the first step where |picked - n * share| >= 1 for some choice.
void expect_within_one(const Weights& weights, std::size_t steps) {
  WeightedPick pick(weights);
  std::vector<std::uint64_t> picked(weights.size());
  Wide total = 0;
  for (const auto weight : weights) total += weight;
  for (std::size_t n = 1; n <= steps; ++n) {
    const auto choice = pick.pick();
    ASSERT_TRUE(choice);
    ++picked[*choice];
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const Wide deviation =
          static_cast<Wide>(picked[i]) * total - static_cast<Wide>(n) * weights[i];
      ASSERT_TRUE(deviation < total && deviation > -total)
          << "choice " << i << " after " << n << " picks";
    }
  }
}

void expect_exact_after_cycle(const Weights& weights, std::size_t cycle) {
  WeightedPick pick(weights);
  Weights picked(weights.size());
  for (std::size_t n = 0; n < cycle; ++n) ++picked[pick.pick().value()];
  const std::uint64_t total = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
  for (std::size_t i = 0; i < weights.size(); ++i) {
    EXPECT_EQ(picked[i] * total, weights[i] * cycle) << "choice " << i;
  }
}

TEST(WeightedPick, NothingToPick) {
  EXPECT_FALSE(WeightedPick().pick());
  EXPECT_FALSE(WeightedPick(Weights{}).pick());
  EXPECT_FALSE(WeightedPick(Weights{0, 0}).pick());
}

TEST(WeightedPick, OneChoiceIsAlwaysPicked) {
  WeightedPick pick(Weights{0, 7, 0});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(pick.pick(), 1U);
}

TEST(WeightedPick, EightyTwentyIsSpreadNotBunched) {
  expect_within_one({80, 20}, 10'000);
  expect_exact_after_cycle({80, 20}, 1000);
  WeightedPick pick(Weights{80, 20});
  int run = 0;
  for (int i = 0; i < 1000; ++i) {
    run = pick.pick() == 0U ? run + 1 : 0;
    ASSERT_LE(run, 7);  // the minority is never kept waiting for more than its period and a bit
  }
}

TEST(WeightedPick, ThousandPicksFollowNamedSplits) {
  const std::vector<std::pair<Weights, Weights>> cases = {
      {{80, 20}, {800, 200}},
      {{33, 33, 34}, {330, 330, 340}},
      {{999'000, 1'000}, {999, 1}},  // 0.1 %
      {{1, 99}, {10, 990}},
      {{0, 100}, {0, 1000}},
      {{3, 1}, {750, 250}},  // weights that do not sum to 100
      {{500'000, 500'000}, {500, 500}},
  };
  for (const auto& [weights, expected] : cases) {
    WeightedPick pick(weights);
    Weights picked(weights.size());
    for (int i = 0; i < 1000; ++i) ++picked[pick.pick().value()];
    EXPECT_EQ(picked, expected);
    expect_within_one(weights, 5000);
  }
}

TEST(WeightedPick, WeightZeroGetsNothing) {
  WeightedPick pick(Weights{0, 1, 0, 1'000'000, 0});
  for (int i = 0; i < 100'000; ++i) {
    const auto choice = pick.pick().value();
    ASSERT_TRUE(choice == 1 || choice == 3);
  }
}

TEST(WeightedPick, HugeWeightsDoNotOverflow) {
  const std::uint64_t huge = 1'000'000'000ULL * 1'000'000ULL;
  expect_within_one(Weights(20, huge - 1), 2000);
  Weights mixed(20, huge);
  mixed[3] = 1;
  mixed[7] = huge - 7;
  expect_within_one(mixed, 5000);
  WeightedPick beyond(Weights(64, UINT64_MAX - 1));  // scaled, still even
  Weights picked(64);
  for (int i = 0; i < 6400; ++i) ++picked[beyond.pick().value()];
  EXPECT_EQ(picked, Weights(64, 100));
}

TEST(WeightedPick, TwentyChoicesStayWithinOne) {
  Weights weights(20);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = i * i + 1;
  expect_within_one(weights, 20'000);
}

TEST(WeightedPick, RandomWeightsStayWithinOneAndComeOutExact) {
  std::mt19937_64 random(20240817);
  for (int round = 0; round < 400; ++round) {
    const std::size_t size = 1 + random() % 20;
    Weights weights(size);
    std::uint64_t total = 0;
    for (auto& weight : weights) {
      switch (random() % 4) {
        case 0:
          weight = 0;
          break;
        case 1:
          weight = random() % 3;
          break;
        case 2:
          weight = random() % 100;
          break;
        default:
          weight = random() % 1000;
          break;
      }
      total += weight;
    }
    if (total == 0) continue;
    expect_within_one(weights, std::min<std::uint64_t>(2 * total, 3000));
    expect_exact_after_cycle(weights, total);
  }
}

TEST(WeightedPick, SameWeightsGiveTheSameOrder) {
  const Weights weights{5, 3, 3, 1};
  WeightedPick a(weights);
  WeightedPick b(weights);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(a.pick(), b.pick());
}

TEST(WeightedPick, AChangeOfWeightsTakesHoldAtOnce) {
  WeightedPick pick(Weights{80, 20});
  for (int i = 0; i < 137; ++i) ASSERT_TRUE(pick.pick());
  pick = WeightedPick(Weights{20, 80});
  Weights picked(2);
  for (std::uint64_t n = 1; n <= 500; ++n) {
    ++picked[pick.pick().value()];
    const auto deviation =
        static_cast<std::int64_t>(picked[0] * 100) - static_cast<std::int64_t>(n * 20);
    ASSERT_LT(std::abs(deviation), 100);
  }
}

TEST(WeightedPick, PicksMakeUpForWhatAChoiceGotUnasked) {
  WeightedPick pick(Weights{80, 20});
  pick.credit(1, 25);  // 100 more for the other, and they are level
  EXPECT_DOUBLE_EQ(pick.ahead(1), 20);
  EXPECT_DOUBLE_EQ(pick.ahead(0), -20);
  for (int i = 0; i < 99; ++i) ASSERT_EQ(pick.pick(), 0U) << i;
  // Within one again, as if they had all been picked.
  Weights picked{99, 25};
  for (std::uint64_t n = 125; n < 1000; ++n) {
    ++picked[pick.pick().value()];
    ASSERT_LT(
        std::abs(static_cast<std::int64_t>(picked[0] * 100) - static_cast<std::int64_t>(n * 80)),
        100);
  }
}

TEST(WeightedPick, CreditsOfWeightZeroOrOfASingleChoiceChangeNothing) {
  WeightedPick pick(Weights{0, 3, 1});
  WeightedPick same = pick;
  pick.credit(0, 1000);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(pick.pick(), same.pick());
  WeightedPick single(Weights{7});
  single.credit(0, UINT64_MAX);
  EXPECT_EQ(single.pick(), 0U);
  EXPECT_DOUBLE_EQ(single.ahead(0), 0);
}

TEST(WeightedPick, WhatIsMadeUpForIsBounded) {
  WeightedPick pick(Weights{50, 30, 20});
  pick.credit(2, 1'000'000);
  pick.forget_beyond(100);
  EXPECT_NEAR(pick.ahead(2), 100, 1);
  EXPECT_NEAR(pick.ahead(0), -62.5, 1) << "in proportion";
  EXPECT_NEAR(pick.ahead(0) + pick.ahead(1) + pick.ahead(2), 0, 1e-9);
  int others = 0;
  while (pick.pick() != 2U) ++others;
  EXPECT_NEAR(others, 500, 10);  // 100 of a share of a fifth
}

// Whatever weights and credits: a choice is always found, nothing overflows, and the credits keep summing to 0.
TEST(WeightedPick, AnyCreditsLeaveAPickThatWorks) {
  std::mt19937_64 random(7);
  const std::uint64_t huge = 1'000'000'000ULL * 1'000'000ULL;
  for (int round = 0; round < 300; ++round) {
    Weights weights(2 + random() % 40);
    for (auto& weight : weights) weight = random() % 3 == 0 ? random() % huge : random() % 5;
    weights[0] = 1;
    WeightedPick pick(weights);
    for (int i = 0; i < 200; ++i) {
      const std::uint64_t count = random() % 2 == 0 ? random() : random() % 50;
      pick.credit(random() % weights.size(), count);
      if (random() % 4 == 0) pick.forget_beyond(random() % 1000);
      const auto choice = pick.pick();
      ASSERT_TRUE(choice);
      ASSERT_GT(weights[*choice], 0U);
      double sum = 0;
      for (std::size_t k = 0; k < weights.size(); ++k) {
        ASSERT_LE(std::abs(pick.ahead(k)), static_cast<double>(weights.size() * (pick.most() + 1)));
        sum += pick.ahead(k);
      }
      ASSERT_NEAR(sum, 0, 1e-3);
    }
  }
}

// So many choices of such weights leave no room for credits: they are not kept, and picks are as without.
TEST(WeightedPick, CreditsThatCannotBeComputedWithAreNotKept) {
  Weights weights(4000, 1'000'000'007ULL * 1'000'000ULL);
  weights[1] = 1;
  WeightedPick pick(weights);
  WeightedPick same = pick;
  EXPECT_EQ(pick.most(), 0U);
  pick.credit(0, 1000);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(pick.pick(), same.pick());
}

}  // namespace
}  // namespace sluice::balance
