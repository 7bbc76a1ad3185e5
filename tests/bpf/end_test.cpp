// SPDX-License-Identifier: Apache-2.0
// How a steered connection ends.
#include "tests/bpf/steered.hpp"

namespace sluice::test {
namespace {

class End : public SteeredTest {
 protected:
  // Both sides say FIN and acknowledge the other's.
  void finish_both() {
    finish_turn();
    pod_sends({.seq = 19, .ack = kRequest, .flags = kFin | kAck});
    client_sends({.seq = kRequest, .ack = 20, .flags = kFin | kAck});
    pod_sends({.seq = 20, .ack = kRequest + 1});
  }
};
LB_BOTH_FAMILIES(End);

TEST_P(End, FinBothWaysIsToldOnceAndStillTranslated) {
  finish_turn();
  pod_sends({.seq = 19, .ack = kRequest, .flags = kFin | kAck});
  EXPECT_EQ(slot().fin[LB_TO_CLIENT], 1);
  EXPECT_EQ(slot().fin_acked[LB_TO_CLIENT], 0);
  client_sends({.seq = kRequest, .ack = 19});  // of the data only
  EXPECT_EQ(slot().fin_acked[LB_TO_CLIENT], 0);
  client_sends({.seq = kRequest, .ack = 20, .flags = kFin | kAck});
  EXPECT_EQ(slot().fin_acked[LB_TO_CLIENT], 1);
  EXPECT_EQ(slot().fin_acked[LB_TO_POD], 0);
  EXPECT_TRUE(events().empty());

  pod_sends({.seq = 20, .ack = kRequest + 1});
  const auto told = events();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].header.type, static_cast<std::uint32_t>(LB_EVENT_ENDING));
  EXPECT_EQ(told[0].header.slot, kSlot);
  EXPECT_EQ(told[0].header.generation, kGeneration);

  // The last ACK was lost: FIN and ACK come again and must be answered.
  EXPECT_EQ(client_sends({.seq = kRequest, .ack = 20, .flags = kFin | kAck}).verdict, kRedirect);
  EXPECT_EQ(pod_sends({.seq = 20, .ack = kRequest + 1}).verdict, kRedirect);
  EXPECT_TRUE(events().empty());
  EXPECT_EQ(count("fin_complete"), 1U);
  EXPECT_TRUE(programs_->flow(client_key_));
}

TEST_P(End, FinWithDataIsAcknowledgedBehindTheData) {
  finish_turn();
  client_sends({.seq = kRequest, .ack = 19, .flags = kFin | kAck, .payload = "abc"});
  pod_sends({.seq = 19, .ack = kRequest + 3});
  EXPECT_EQ(slot().fin_acked[LB_TO_POD], 0);
  pod_sends({.seq = 19, .ack = kRequest + 4});
  EXPECT_EQ(slot().fin_acked[LB_TO_POD], 1);
  EXPECT_EQ(count("fin_complete"), 0U);  // a half-closed connection goes on
}

TEST_P(End, ResetInsideTheWindowEnds) {
  finish_turn();
  const auto result = client_sends({.seq = kRequest, .ack = 19, .flags = kRst | kAck});
  EXPECT_EQ(result.verdict, kRedirect);
  EXPECT_EQ(at_pod(result).flags, kRst | kAck);
  EXPECT_NE(slot().reset, 0);
  ASSERT_EQ(events().size(), 1U);
  client_sends({.seq = kRequest, .ack = 19, .flags = kRst});
  EXPECT_TRUE(events().empty());
  EXPECT_EQ(count("rst_accepted"), 1U);
}

TEST_P(End, ResetOutsideTheWindowIsForwardedAndEndsNothing) {
  finish_turn();
  const std::uint32_t window = 500 << 8;  // what the pod offered
  for (const std::uint32_t seq : {kRequest - 1, kRequest + window + 1, 0x50000000U}) {
    const auto result = client_sends({.seq = seq, .flags = kRst});
    EXPECT_EQ(result.verdict, kRedirect);
    EXPECT_EQ(slot().reset, 0);
  }
  EXPECT_EQ(count("rst_out_of_window"), 3U);
  EXPECT_TRUE(events().empty());
  client_sends({.seq = kRequest + window, .flags = kRst});
  EXPECT_NE(slot().reset, 0);
}

TEST_P(End, NewDataMeansThatTheResetWasNotAccepted) {
  finish_turn();
  client_sends({.seq = kRequest + 5, .ack = 19, .flags = kRst});  // RFC 5961: only challenged
  EXPECT_NE(slot().reset, 0);
  client_sends({.seq = kRequest, .ack = 19, .payload = "GET"});
  EXPECT_EQ(slot().reset, 0);
  EXPECT_EQ(events().size(), 1U);
  // And a later end is told again.
  client_sends({.seq = kRequest + 3, .ack = 19, .flags = kRst});
  EXPECT_EQ(events().size(), 1U);
}

TEST_P(End, AChallengeAckMeansThatTheResetWasNotBelieved) {
  finish_turn();
  client_sends({.seq = kRequest + 5, .flags = kRst});
  client_sends({.seq = kRequest, .ack = 19});  // of the RST's own side: says nothing
  EXPECT_NE(slot().reset, 0);
  pod_sends({.seq = 19, .ack = kRequest});  // RFC 5961 3.2
  EXPECT_EQ(slot().reset, 0);
  EXPECT_EQ(client_sends({.seq = 99, .flags = kSyn}).verdict, kRedirect);  // still alive
  // The one who was challenged confirms with an exact number.
  (void)events();
  client_sends({.seq = kRequest, .flags = kRst});
  EXPECT_NE(slot().reset, 0);
  EXPECT_EQ(events().size(), 1U);
}

TEST_P(End, SynOnALiveConnectionIsForTheEndpointToChallenge) {
  const auto result = client_sends({.seq = 4711, .ack = 0, .flags = kSyn});
  EXPECT_EQ(result.verdict, kRedirect);
  EXPECT_EQ(at_pod(result).flags, kSyn);
  EXPECT_EQ(slot().state, static_cast<std::uint32_t>(LB_SLOT_NORMAL));
  EXPECT_EQ(slot().track[LB_TO_POD].end, kClientStart + kRequest);
  EXPECT_EQ(counts(), (Counts{{"syn_on_live_flow", 1}, {"to_pod", 1}}));
}

TEST_P(End, SynAfterTheEndReplacesTheConnection) {
  finish_both();
  (void)events();
  const Packet syn =
      from_client({.seq = 123456, .flags = kSyn | kEce | kCwr, .options = option_timestamp()});
  const auto result = programs_->ingress(syn);
  EXPECT_EQ(result.verdict, kPass);
  EXPECT_TRUE(checksums_are_right(result.bytes));
  EXPECT_EQ(result.packet->to, vip_);
  EXPECT_EQ(result.packet->flags, kSyn);
  EXPECT_EQ(result.packet->options, Bytes(12, 1));
  EXPECT_EQ(slot().state, static_cast<std::uint32_t>(LB_SLOT_ENDED));
  EXPECT_FALSE(programs_->flow(client_key_));
  EXPECT_FALSE(programs_->flow(pod_key_));
  const auto told = events();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].header.type, static_cast<std::uint32_t>(LB_EVENT_ENDED));
  EXPECT_EQ(count("syn_on_ended_flow"), 1U);
}

TEST_P(End, SynAfterAResetReplacesTheConnection) {
  finish_turn();
  client_sends({.seq = kRequest, .flags = kRst});
  EXPECT_EQ(client_sends({.seq = 99, .flags = kSyn}).verdict, kPass);
  EXPECT_FALSE(programs_->flow(client_key_));
}

TEST_P(End, LateSynAckOfThePodIsDropped) {
  EXPECT_EQ(pod_sends({.seq = 0xfffffffe, .flags = kSyn | kAck}).verdict, kDrop);
  EXPECT_EQ(counts(), (Counts{{"synack_on_flow", 1}}));
}

TEST_P(End, AFullRingLosesTheEventNotThePacket) {
  change_slot([](lb_slot& slot) { slot.owner = 60; });  // a worker without a ring
  finish_turn();
  EXPECT_EQ(client_sends({.seq = kRequest, .flags = kRst}).verdict, kRedirect);
  EXPECT_EQ(count("ring_full"), 1U);
  EXPECT_NE(slot().reset, 0);
}

}  // namespace
}  // namespace sluice::test
