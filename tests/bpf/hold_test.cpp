// SPDX-License-Identifier: Apache-2.0
// States other than NORMAL, and the agent's socket that still answers for the request (HOLD).
#include "bpf/abi/limits.h"
#include "tests/bpf/steered.hpp"

namespace sluice::test {
namespace {

class Hold : public SteeredTest {
 protected:
  void set_state(lb_slot_state state) {
    change_slot([&](lb_slot& slot) { slot.state = state; });
  }
};
LB_BOTH_FAMILIES(Hold);

TEST_P(Hold, PartialAcksGoToTheSocketThatRepeatsTheRequest) {
  change_slot([](lb_slot& slot) {
    slot.hold = 1;
    slot.hold_ack = kNodeStart + kRequest;
  });
  const Packet partial = from_pod({.seq = 0, .ack = kRequest - 1});
  auto result = programs_->ingress(partial);
  EXPECT_EQ(result.verdict, kPass);
  EXPECT_EQ(result.bytes, encode(partial));
  EXPECT_EQ(counts(), (Counts{{"hold_ack_passed", 1}}));
  EXPECT_EQ(slot().hold, 1);
  // Data is the client's even then.
  EXPECT_EQ(
      pod_sends({.seq = 0, .ack = kRequest - 1, .payload = "HTTP/1.1 200 OK\r\n\r\n"}).verdict,
      kRedirect);
  // All of the request has arrived.
  EXPECT_EQ(pod_sends({.seq = 19, .ack = kRequest}).verdict, kRedirect);
  EXPECT_EQ(slot().hold, 0);
  EXPECT_EQ(pod_sends({.seq = 19, .ack = kRequest}).verdict, kRedirect);
}

TEST_P(Hold, HeldPacketsAreDroppedAndClientDataIsCopied) {
  set_state(LB_SLOT_HELD);
  EXPECT_EQ(client_sends({.seq = kRequest, .ack = 7, .window = 55, .payload = "GET /next"}).verdict,
            kDrop);
  EXPECT_EQ(client_sends({.seq = kRequest, .ack = 7}).verdict, kDrop);
  EXPECT_EQ(client_sends({.seq = kRequest, .ack = 7, .flags = kFin | kAck}).verdict, kDrop);
  EXPECT_EQ(pod_sends({.seq = 0, .ack = 0, .payload = "HTTP"}).verdict, kDrop);
  const auto copied = events();
  ASSERT_EQ(copied.size(), 1U);
  EXPECT_EQ(copied[0].header.type, static_cast<std::uint32_t>(LB_EVENT_DATA));
  EXPECT_EQ(copied[0].header.seq, kClientStart + kRequest);
  EXPECT_EQ(copied[0].header.ack, kVipStart + 7);
  EXPECT_EQ(copied[0].header.window, 55U);
  EXPECT_EQ(copied[0].payload, "GET /next");
  EXPECT_EQ(counts(), (Counts{{"held_dropped", 4}}));
  EXPECT_EQ(slot().track[LB_TO_POD].packets, 0U);
}

TEST_P(Hold, AFullRingIsCounted) {
  set_state(LB_SLOT_HELD);
  constexpr std::uint64_t kMore = LB_RING_BYTES / LB_EVENT_DATA_SMALL + 10;  // than fit
  for (std::uint64_t i = 0; i < kMore; ++i) client_sends({.seq = kRequest, .payload = "x"});
  EXPECT_EQ(count("held_dropped"), kMore);
  EXPECT_GE(count("ring_full"), 10U);
  EXPECT_EQ(events().size() + count("ring_full"), kMore);
}

TEST_P(Hold, GivenBackConnectionsBelongToTheStack) {
  for (const lb_slot_state state : {LB_SLOT_PASS, LB_SLOT_USED, LB_SLOT_FREE, LB_SLOT_ENDED}) {
    set_state(state);
    const Packet packet = from_client({.seq = kRequest, .payload = "GET"});
    const auto result = programs_->ingress(packet);
    EXPECT_EQ(result.verdict, kPass);
    EXPECT_EQ(result.bytes, encode(packet));
    EXPECT_EQ(pod_sends({.seq = 0, .payload = "HTTP"}).verdict, kPass);
  }
  EXPECT_EQ(counts(), (Counts{{"passed_to_stack", 8}}));
}

TEST_P(Hold, ArmedStopsAtTheNextRequestAndHandsItOver) {
  finish_turn();
  set_state(LB_SLOT_ARMED);
  EXPECT_EQ(client_sends({.seq = kRequest, .ack = 19}).verdict,
            kRedirect);  // a bare ACK is no request
  EXPECT_EQ(client_sends({.seq = kRequest, .ack = 19, .window = 44, .payload = "GET /2"}).verdict,
            kDrop);
  const lb_slot held = slot();
  EXPECT_EQ(held.state, static_cast<std::uint32_t>(LB_SLOT_HELD));
  EXPECT_EQ(held.track[LB_TO_POD].end, kClientStart + kRequest);  // the request was not forwarded
  EXPECT_EQ(held.track[LB_TO_POD].window, 44U);
  EXPECT_EQ(held.turns, 1U);
  const auto told = events();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].header.type, static_cast<std::uint32_t>(LB_EVENT_TURN));
  EXPECT_EQ(told[0].header.seq, kClientStart + kRequest);
  EXPECT_EQ(told[0].header.ack, kVipStart + 19);
  EXPECT_EQ(told[0].payload, "GET /2");
}

struct NoBoundary {
  const char* name;
  std::function<void(lb_slot&)> change;
};

TEST_P(Hold, ArmedGoesOnWhereThereIsNoBoundary) {
  const std::vector<NoBoundary> cases{
      {"unacknowledged response", [](lb_slot& s) { s.track[LB_TO_CLIENT].end += 1; }},
      {"request not acknowledged", [](lb_slot& s) { s.track[LB_TO_CLIENT].ack -= 1; }},
      {"client data missing", [](lb_slot& s) { s.track[LB_TO_POD].end -= 1; }},
      {"client spoke last", [](lb_slot& s) { s.last_direction = LB_TO_POD; }},
      {"client FIN", [](lb_slot& s) { s.fin[LB_TO_POD] = 1; }},
      {"pod FIN", [](lb_slot& s) { s.fin[LB_TO_CLIENT] = 1; }},
      {"reset", [](lb_slot& s) { s.reset = 1; }},
      {"interim response", [](lb_slot& s) { s.interim = 1; }},
      {"tunnel", [](lb_slot& s) { s.tunnel = 1; }},
      {"agent holds the request", [](lb_slot& s) { s.hold = 1, s.hold_ack = kNodeStart + 1; }},
  };
  finish_turn();
  const lb_slot boundary = slot();
  for (const NoBoundary& entry : cases) {
    lb_slot changed = boundary;
    changed.state = LB_SLOT_ARMED;
    entry.change(changed);
    programs_->put_slot(kSlot, changed);
    EXPECT_EQ(client_sends({.seq = kRequest, .ack = 19, .payload = "GET /2"}).verdict, kRedirect)
        << entry.name;
    EXPECT_EQ(slot().state, static_cast<std::uint32_t>(LB_SLOT_ARMED)) << entry.name;
  }
  EXPECT_TRUE(events().empty());
}

TEST_P(Hold, ArmedForwardsWhenTheRingIsFull) {
  finish_turn();
  change_slot([](lb_slot& slot) {
    slot.state = LB_SLOT_ARMED;
    slot.owner = 60;  // a worker without a ring
  });
  EXPECT_EQ(client_sends({.seq = kRequest, .ack = 19, .payload = "GET /2"}).verdict, kRedirect);
  EXPECT_EQ(slot().state, static_cast<std::uint32_t>(LB_SLOT_ARMED));
  EXPECT_EQ(count("ring_full"), 1U);
}

}  // namespace
}  // namespace sluice::test
