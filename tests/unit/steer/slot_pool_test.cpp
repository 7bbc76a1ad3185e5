// SPDX-License-Identifier: Apache-2.0
#include "agent/steer/slot_pool.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace sluice::steer {
namespace {

TEST(DividePorts, EveryPortHasOneOwner) {
  for (const std::uint32_t workers : {1U, 2U, 3U, 7U, 64U}) {
    const auto ranges = divide_ports(15000, 29999, workers);
    ASSERT_EQ(ranges.size(), workers);
    EXPECT_EQ(ranges.front().first, 15000);
    EXPECT_EQ(ranges.back().last, 29999);
    for (std::size_t i = 1; i < ranges.size(); ++i)
      EXPECT_EQ(ranges[i].first, ranges[i - 1].last + 1);
  }
}

TEST(DivideSlots, EverySlotHasOneOwner) {
  std::vector<lb_slot> slots(100);
  const auto shares = divide_slots(slots, divide_ports(15000, 29999, 3));
  std::set<std::uint32_t> seen;
  for (const auto& share : shares) {
    EXPECT_GE(share.free.size(), 33U);
    for (const auto slot : share.free) EXPECT_TRUE(seen.insert(slot).second);
  }
  EXPECT_EQ(seen.size(), 100U);
  EXPECT_EQ(SlotPool(shares[0].free).take(), 0U) << "low slots first";
}

TEST(DivideSlots, ASteeredConnectionGoesToTheOwnerOfItsPort) {
  std::vector<lb_slot> slots(10);
  slots[0].state = LB_SLOT_NORMAL;
  slots[0].pod.destination_port = htons(29999);
  slots[1].state = LB_SLOT_NORMAL;
  slots[1].pod.destination_port = htons(15000);
  slots[2].state = LB_SLOT_NORMAL;
  slots[2].pod.destination_port = htons(1);  // the range was another one
  const auto shares = divide_slots(slots, divide_ports(15000, 29999, 2));
  EXPECT_EQ(shares[1].adopted, std::vector<std::uint32_t>{0});
  EXPECT_EQ(slots[0].owner, 1U);
  auto first = shares[0].adopted;
  std::sort(first.begin(), first.end());
  EXPECT_EQ(first, (std::vector<std::uint32_t>{1, 2}));
}

TEST(DivideSlots, FinishesWhatADeadAgentLeft) {
  std::vector<lb_slot> slots(6);
  slots[0].state = LB_SLOT_USED;
  slots[1].state = LB_SLOT_ENDED;
  slots[2].state = LB_SLOT_HELD;
  slots[3].state = LB_SLOT_ARMED;
  slots[4].state = LB_SLOT_PASS;
  slots[5].state = LB_SLOT_NORMAL;
  slots[5].hold = 1;
  const auto shares = divide_slots(slots, divide_ports(15000, 29999, 1));
  EXPECT_EQ(slots[0].state, LB_SLOT_FREE);
  EXPECT_EQ(slots[1].state, LB_SLOT_FREE);
  EXPECT_EQ(slots[2].state, LB_SLOT_NORMAL);
  EXPECT_EQ(slots[3].state, LB_SLOT_NORMAL);
  EXPECT_EQ(slots[5].hold, 0) << "no socket is left to answer for the request";
  EXPECT_EQ(shares[0].free.size(), 2U);
  EXPECT_EQ(shares[0].adopted.size(), 3U);
  EXPECT_EQ(shares[0].given_back, std::vector<std::uint32_t>{4});
}

}  // namespace
}  // namespace sluice::steer
