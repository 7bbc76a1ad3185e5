// SPDX-License-Identifier: Apache-2.0
#include "agent/steer/learner.hpp"

#include <gtest/gtest.h>

namespace sluice::steer {
namespace {

std::uint32_t after(std::initializer_list<std::pair<std::uint64_t, int>> connections) {
  Learner learner;
  for (int round = 0; round < 20; ++round) {
    for (const auto& [requests, times] : connections) {
      for (int i = 0; i < times; ++i) learner.connection_finished(requests);
    }
  }
  return learner.threshold();
}

TEST(Learner, WithoutExperienceWaitsForTheBreakEven) {
  EXPECT_EQ(Learner{}.threshold(), Learner::kBreakEven);
}

TEST(Learner, LongConnectionsArePromotedAtTheFirstRequest) { EXPECT_EQ(after({{50, 10}}), 1U); }

TEST(Learner, ShortConnectionsAreLeftAlone) {
  EXPECT_EQ(after({{1, 10}}), Learner::kLatest);
  EXPECT_EQ(after({{3, 10}}), Learner::kLatest);
}

TEST(Learner, AMixWaitsUntilTheShortOnesAreGone) {
  // 90 % of connections carry one request, the others 40: at the second request only the long ones are left.
  EXPECT_EQ(after({{1, 90}, {40, 10}}), 1U);  // 4.9 requests expected at the first already
  EXPECT_EQ(after({{1, 97}, {40, 3}}), 2U);   // 2.2 at the first, 39 at the second
  EXPECT_EQ(after({{2, 97}, {40, 3}}), 3U);
}

TEST(Learner, ForgetsOldHabits) {
  Learner learner;
  for (int i = 0; i < 10'000; ++i) learner.connection_finished(1);
  EXPECT_EQ(learner.threshold(), Learner::kLatest);
  for (int i = 0; i < 10'000; ++i) learner.connection_finished(60);
  EXPECT_EQ(learner.threshold(), 1U);
}

TEST(Learner, ConnectionsWithoutARequestTeachNothing) {
  Learner learner;
  for (int i = 0; i < 1'000; ++i) learner.connection_finished(0);
  EXPECT_EQ(learner.threshold(), Learner::kBreakEven);
}

}  // namespace
}  // namespace sluice::steer
