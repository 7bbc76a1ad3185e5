// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "agent/base/hash.hpp"
#include "agent/datapath/flow_table.hpp"
#include "sample.hpp"

namespace sluice::app {
namespace {

constexpr TimePoint kNow{std::chrono::hours(2000)};  // beyond one turn of last_seen

std::uint64_t ns(Nanoseconds ago) {
  return static_cast<std::uint64_t>((kNow.time_since_epoch() - ago).count());
}

lb_slot slot_in(std::uint32_t state) {
  lb_slot slot{};
  slot.state = state;
  slot.owner = 1;
  slot.turns = 6;
  slot.cluster = cluster_hash(test::kV1);
  slot.client = datapath::make_tuple(*SocketAddress::parse("198.51.100.7:51012"),
                                     *SocketAddress::parse("192.0.2.1:80"));
  slot.pod = datapath::make_tuple(*SocketAddress::parse("10.1.0.3:8080"),
                                  *SocketAddress::parse("10.1.0.1:15000"));
  slot.track[LB_TO_POD].packets = 10;
  slot.track[LB_TO_POD].bytes = 1000;
  slot.track[LB_TO_CLIENT].packets = 20;
  slot.track[LB_TO_CLIENT].bytes = 9000;
  slot.installed_ns = ns(std::chrono::seconds(60));
  slot.last_seen = static_cast<std::uint32_t>(ns(std::chrono::seconds(5)) >> 20);
  return slot;
}

v1::FlowsReply view(std::span<const lb_slot> slots, std::uint32_t limit = 0,
                    Nanoseconds agent_age = std::chrono::hours(1)) {
  return flows_view(slots, limit, kNow, kNow - agent_age, test::sample_snapshot());
}

TEST(FlowsView, ShowsBothEndsCountersAndTimes) {
  const std::vector<lb_slot> slots = {lb_slot{}, slot_in(LB_SLOT_NORMAL)};
  const v1::FlowsReply reply = view(slots);
  EXPECT_EQ(reply.total(), 1U);
  ASSERT_EQ(reply.flows_size(), 1);
  const v1::Flow& flow = reply.flows(0);
  EXPECT_EQ(flow.slot(), 1U);
  EXPECT_EQ(flow.state(), "normal");
  EXPECT_EQ(flow.client(), "198.51.100.7:51012");
  EXPECT_EQ(flow.local(), "192.0.2.1:80");
  EXPECT_EQ(flow.endpoint(), "10.1.0.3:8080");
  EXPECT_EQ(flow.cluster(), test::kV1);
  EXPECT_EQ(flow.packets_to_pod(), 10U);
  EXPECT_EQ(flow.packets_to_client(), 20U);
  EXPECT_EQ(flow.bytes_to_pod(), 1000U);
  EXPECT_EQ(flow.bytes_to_client(), 9000U);
  EXPECT_EQ(flow.requests(), 6U);
  EXPECT_NEAR(flow.age_seconds(), 60, 0.001);
  EXPECT_NEAR(flow.idle_seconds(), 5, 0.01);
  EXPECT_EQ(flow.owner(), 1U);
  EXPECT_FALSE(flow.adopted());
}

TEST(FlowsView, ShowsWhatWasSentAgainAndHowLongAnswersTake) {
  lb_slot slot = slot_in(LB_SLOT_NORMAL);
  slot.retransmissions[LB_TO_POD] = 3;
  slot.retransmissions[LB_TO_CLIENT] = 4;
  slot.first_byte = 1500;
  std::vector<lb_slot> slots = {slot, slot};
  slots[1].turn_ns = ns(std::chrono::seconds(2));
  const v1::FlowsReply reply = view(slots);
  EXPECT_EQ(reply.flows(0).resent_to_pod(), 3U);
  EXPECT_EQ(reply.flows(0).resent_to_client(), 4U);
  EXPECT_NEAR(reply.flows(0).first_byte_seconds(), 0.001536, 1e-9);
  EXPECT_EQ(reply.flows(0).waiting_seconds(), 0);
  EXPECT_NEAR(reply.flows(1).waiting_seconds(), 2, 0.01);
}

TEST(FlowsView, AdoptedIsWhatIsOlderThanTheAgent) {
  const std::vector<lb_slot> slots = {slot_in(LB_SLOT_NORMAL)};
  EXPECT_TRUE(view(slots, 0, std::chrono::seconds(30)).flows(0).adopted());
}

TEST(FlowsView, OnlySlotsThatCarryAConnection) {
  std::vector<lb_slot> slots;
  for (const std::uint32_t state : {LB_SLOT_FREE, LB_SLOT_USED, LB_SLOT_NORMAL, LB_SLOT_ARMED,
                                    LB_SLOT_HELD, LB_SLOT_PASS, LB_SLOT_ENDED}) {
    slots.push_back(slot_in(state));
  }
  slots.push_back(slot_in(77));  // another version's, or damage
  const v1::FlowsReply reply = view(slots);
  std::vector<std::string> states;
  for (const v1::Flow& flow : reply.flows()) states.push_back(flow.state());
  EXPECT_EQ(states, (std::vector<std::string>{"normal", "armed", "held", "passed", "ended"}));
}

TEST(FlowsView, LimitBoundsTheListButNotTheTotal) {
  const std::vector<lb_slot> slots(1500, slot_in(LB_SLOT_NORMAL));
  EXPECT_EQ(view(slots).flows_size(), 1000);
  EXPECT_EQ(view(slots).total(), 1500U);
  EXPECT_EQ(view(slots, 3).flows_size(), 3);
}

TEST(FlowsView, UnknownClustersAndFutureStampsAreHarmless) {
  lb_slot slot = slot_in(LB_SLOT_NORMAL);
  slot.cluster = 0xabc;
  slot.last_seen += 100;
  slot.last_seen += 10'000;  // ahead of now
  const v1::FlowsReply reply = view(std::span(&slot, 1));
  EXPECT_EQ(reply.flows(0).cluster(), "unknown (0000000000000abc)");
  EXPECT_EQ(reply.flows(0).idle_seconds(), 0);
}

}  // namespace
}  // namespace sluice::app
