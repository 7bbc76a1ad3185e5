// SPDX-License-Identifier: Apache-2.0
// What sockets of a steered connection still say, on their way out.
#include "tests/bpf/steered.hpp"

namespace sluice::test {
namespace {

class Own : public SteeredTest {};
LB_BOTH_FAMILIES(Own);

TEST_P(Own, TranslatedPacketsPassAndLoseTheirMark) {
  const Packet packet = from_agent_to_client({.flags = kFin | kAck});
  const auto result = programs_->egress(packet, 0x51ce0001);
  EXPECT_EQ(result.verdict, kPass);
  EXPECT_EQ(result.mark, 0U);
  EXPECT_EQ(result.bytes, encode(packet));
  EXPECT_EQ(counts(), Counts{});
}

TEST_P(Own, OtherMarksStay) {
  EXPECT_EQ(programs_->egress(from_agent_to_pod({.flags = kSyn}), 77).mark, 77U);
}

TEST_P(Own, AcksAndEndsOfBothSocketsAreDropped) {
  for (const std::uint16_t flags :
       std::initializer_list<std::uint16_t>{kAck, kFin | kAck, kRst, kRst | kAck}) {
    EXPECT_EQ(programs_->egress(from_agent_to_client({.flags = flags})).verdict, kDrop);
    EXPECT_EQ(programs_->egress(from_agent_to_pod({.flags = flags})).verdict, kDrop);
  }
  EXPECT_EQ(programs_->egress(from_agent_to_client({.flags = kFin | kAck, .payload = "x"})).verdict,
            kDrop);
  EXPECT_EQ(counts(), (Counts{{"agent_ack_dropped", 2}, {"agent_end_dropped", 7}}));
}

TEST_P(Own, TheRequestCopyCarriesTheClientsWindow) {
  const auto result = programs_->egress(from_agent_to_pod({.window = 9999, .payload = "GET /"}));
  EXPECT_EQ(result.verdict, kPass);
  EXPECT_TRUE(checksums_are_right(result.bytes));
  EXPECT_EQ(result.packet->window, 321);
  EXPECT_EQ(result.packet->payload, "GET /");
  EXPECT_EQ(result.packet->seq, kNodeStart);
}

TEST_P(Own, ConnectionsThatAreNotSteeredSpeakFreely) {
  for (const lb_slot_state state : {LB_SLOT_FREE, LB_SLOT_USED, LB_SLOT_PASS, LB_SLOT_ENDED}) {
    change_slot([&](lb_slot& slot) { slot.state = state; });
    const Packet fin = from_agent_to_client({.flags = kFin | kAck});
    EXPECT_EQ(programs_->egress(fin).verdict, kPass);
    EXPECT_EQ(programs_->egress(fin).bytes, encode(fin));
    const Packet data = from_agent_to_pod({.window = 9999, .payload = "GET /"});
    EXPECT_EQ(programs_->egress(data).bytes, encode(data));
  }
  change_slot([&](lb_slot& slot) {
    slot.state = LB_SLOT_NORMAL;
    slot.generation = kGeneration + 1;  // another connection's by now
  });
  EXPECT_EQ(programs_->egress(from_agent_to_client({.flags = kFin | kAck})).verdict, kPass);
  EXPECT_EQ(counts(), Counts{});
}

TEST_P(Own, HeldAndArmedSocketsAreSilentToo) {
  for (const lb_slot_state state : {LB_SLOT_ARMED, LB_SLOT_HELD}) {
    change_slot([&](lb_slot& slot) { slot.state = state; });
    EXPECT_EQ(programs_->egress(from_agent_to_pod({})).verdict, kDrop);
  }
}

TEST_P(Own, DataToClientsOfTheRequestTierIsNotTouched) {
  const Packet data = from_agent_to_client({.payload = "HTTP/1.1 200 OK"});
  EXPECT_EQ(programs_->egress(data).bytes, encode(data));
}

}  // namespace
}  // namespace sluice::test
