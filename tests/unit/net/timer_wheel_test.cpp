// SPDX-License-Identifier: Apache-2.0
#include "agent/net/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

namespace sluice::net {
namespace {

std::vector<std::uint64_t> fire(TimerWheel& wheel, std::uint64_t now) {
  TimerNode due;
  wheel.advance(now, due);
  std::vector<std::uint64_t> deadlines;
  while (due.linked()) {
    TimerNode* const node = due.next;
    node->unlink();
    deadlines.push_back(node->deadline);
  }
  return deadlines;
}

TEST(TimerWheel, FiresAtTheDeadlineAndNotBefore) {
  TimerWheel wheel(1000);
  TimerNode node;
  wheel.arm(node, 1010);
  EXPECT_TRUE(fire(wheel, 1009).empty());
  EXPECT_EQ(fire(wheel, 1010).size(), 1U);
  EXPECT_TRUE(fire(wheel, 99999).empty());
}

TEST(TimerWheel, KeepsTimersLongerThanOneTurn) {
  TimerWheel wheel(0);
  TimerNode node;
  wheel.arm(node, 10'000);
  for (std::uint64_t now = 1; now < 10'000; now += 7) EXPECT_TRUE(fire(wheel, now).empty()) << now;
  EXPECT_EQ(fire(wheel, 10'000).size(), 1U);
}

TEST(TimerWheel, SkipsManyTurnsAtOnce) {
  TimerWheel wheel(0);
  std::array<TimerNode, 3> nodes;
  wheel.arm(nodes[0], 5);
  wheel.arm(nodes[1], 5000);
  wheel.arm(nodes[2], 1'000'001);
  EXPECT_EQ(fire(wheel, 1'000'000).size(), 2U);
  EXPECT_EQ(fire(wheel, 1'000'001).size(), 1U);
}

TEST(TimerWheel, ADeadlineInThePastFiresOnTheNextTick) {
  TimerWheel wheel(500);
  TimerNode node;
  wheel.arm(node, 3);
  EXPECT_EQ(wheel.next_delay(500), 1U);
  EXPECT_EQ(fire(wheel, 501).size(), 1U);
}

TEST(TimerWheel, ACancelledNodeDoesNotFire) {
  TimerWheel wheel(0);
  TimerNode node;
  wheel.arm(node, 5);
  node.unlink();
  EXPECT_TRUE(fire(wheel, 100).empty());
}

TEST(TimerWheel, NextDelayIsNeverLaterThanTheFirstDeadline) {
  std::mt19937 random(7);
  TimerWheel wheel(0);
  std::vector<TimerNode> nodes(300);
  EXPECT_FALSE(wheel.next_delay(0));
  std::uint64_t now = 0;
  std::size_t fired = 0;
  for (TimerNode& node : nodes) wheel.arm(node, 1 + random() % 20'000);
  while (fired < nodes.size()) {
    std::uint64_t first = UINT64_MAX;
    for (const TimerNode& node : nodes) {
      if (node.linked()) first = std::min(first, node.deadline);
    }
    const auto delay = wheel.next_delay(now);
    ASSERT_TRUE(delay);
    ASSERT_LE(now + *delay, first);
    now += std::max<std::uint64_t>(*delay, 1);
    for (const std::uint64_t deadline : fire(wheel, now)) {
      EXPECT_EQ(deadline, now);
      ++fired;
    }
  }
}

}  // namespace
}  // namespace sluice::net
