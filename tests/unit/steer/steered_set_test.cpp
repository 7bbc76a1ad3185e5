// SPDX-License-Identifier: Apache-2.0
#include "agent/steer/steered_set.hpp"

#include <gtest/gtest.h>

#include "agent/steer/slot_state.hpp"
#include "fake_flow_table.hpp"

namespace sluice::steer {
namespace {

class SteeredSetTest : public testing::Test {
 protected:
  SteeredSetTest() { clock_.advance(std::chrono::hours(1)); }

  SteeredSet make() {
    auto shares = divide_slots(flows_.slots(), divide_ports(15000, 15003, 1));
    return SteeredSet({}, clock_, flows_, shares[0], ports_,
                      [this](const SteeredSet::Gone& gone) { gone_.push_back(gone); });
  }

  std::uint32_t steer(SteeredSet& set) {
    const std::uint32_t index = set.take_slot().value();
    lb_slot& s = flows_.slots()[index];
    const auto pod = *SocketAddress::parse("192.0.2.1:80");
    const auto port = ports_.take(pod, clock_.now()).value();
    s.pod = datapath::make_tuple(pod, {*IpAddress::parse("192.0.2.9"), port});
    ++s.generation;
    s.turns = 3;
    s.fin_acked[0] = s.fin_acked[1] = s.reset = 0;
    touch(s);
    set_state(s, LB_SLOT_NORMAL);
    SteeredSet::Entry entry;
    entry.cluster = "c";
    entry.listener = 7;
    entry.requests_before = 2;
    set.add(index, std::move(entry));
    return index;
  }
  void touch(lb_slot& s) {
    s.last_seen = static_cast<std::uint32_t>(clock_.now().time_since_epoch().count() >> 20);
  }
  lb_event event(std::uint32_t type, std::uint32_t slot) {
    lb_event e{};
    e.type = type;
    e.slot = slot;
    e.generation = flows_.slots()[slot].generation;
    return e;
  }

  ManualClock clock_;
  FakeFlowTable flows_;
  PortPool ports_{15000, 15003};
  std::vector<SteeredSet::Gone> gone_;
};

TEST_F(SteeredSetTest, AFlowThatEndedLingersThenGivesItsSlotAndPortBack) {
  SteeredSet set = make();
  const auto index = steer(set);
  lb_slot& slot = flows_.slots()[index];
  slot.fin_acked[0] = slot.fin_acked[1] = 1;
  slot.retransmissions[LB_TO_POD] = 5;
  slot.retransmissions[LB_TO_CLIENT] = 6;
  set.on_event(event(LB_EVENT_ENDING, index));
  clock_.advance(Milliseconds(1'999));
  set.tick();
  EXPECT_EQ(flows_.removals, 0) << "a lost last ACK must still be answered";
  clock_.advance(Milliseconds(1));
  set.tick();
  EXPECT_EQ(flows_.removals, 1);
  EXPECT_EQ(ports_.in_use(), 0U);
  ASSERT_EQ(gone_.size(), 1U);
  EXPECT_EQ(gone_[0].listener, 7U);
  EXPECT_EQ(gone_[0].end.last.requests_before, 2U);
  EXPECT_EQ(gone_[0].end.last.requests, 3U) << "the promoted one, two by the kernel";
  EXPECT_EQ(gone_[0].end.how, proxy::CarriedEnd::How::kClosed);
  proxy::WorkerReport report;
  set.add_to(report);
  EXPECT_EQ(report.steered_open, 0U);
  EXPECT_EQ(report.steered_closed, 1U);
  EXPECT_EQ(report.slots_free, 4U);
  EXPECT_EQ(report.clusters["c"].steered_turns, 2U);
  EXPECT_EQ(report.clusters["c"].steered_resent_in, 5U);
  EXPECT_EQ(report.clusters["c"].steered_resent_out, 6U);
  set.forget_clusters(report);
  proxy::WorkerReport kept;
  set.add_to(kept);
  EXPECT_TRUE(kept.clusters.contains("c"));
  set.forget_clusters({});
  proxy::WorkerReport forgotten;
  set.add_to(forgotten);
  EXPECT_TRUE(forgotten.clusters.empty());
}

TEST_F(SteeredSetTest, ARemovedSlotRestsBeforeItIsUsedAgain) {
  SteeredSet set = make();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(set.take_slot());
  const auto index = steer(set);
  flows_.slots()[index].reset = 1;
  set.on_event(event(LB_EVENT_ENDING, index));
  clock_.advance(Milliseconds(2'000));
  set.tick();
  EXPECT_FALSE(set.take_slot()) << "a packet in flight may still write to it";
  clock_.advance(Milliseconds(100));
  EXPECT_EQ(set.take_slot(), index);
  EXPECT_EQ(flows_.slots()[index].state, LB_SLOT_FREE);
}

TEST_F(SteeredSetTest, ASlotIsFreeAgainWithoutAnotherPromotion) {
  SteeredSet set = make();
  const auto index = steer(set);
  flows_.slots()[index].reset = 1;
  set.on_event(event(LB_EVENT_ENDING, index));
  Milliseconds next{0};
  for (int i = 0; i < 30 && next.count() >= 0; ++i) {
    clock_.advance(Milliseconds(100));
    next = set.tick();
  }
  EXPECT_LT(next.count(), 0) << "nothing is left to do";
  EXPECT_EQ(flows_.slots()[index].state, LB_SLOT_FREE);
}

TEST_F(SteeredSetTest, AnRstThatTheEndpointDidNotBelieveEndsNothing) {
  SteeredSet set = make();
  const auto index = steer(set);
  flows_.slots()[index].reset = 1;
  set.on_event(event(LB_EVENT_ENDING, index));
  flows_.slots()[index].reset = 0;  // new data followed
  touch(flows_.slots()[index]);
  clock_.advance(Milliseconds(2'500));
  set.tick();
  EXPECT_EQ(flows_.removals, 0);
  EXPECT_EQ(flows_.slots()[index].state, LB_SLOT_NORMAL);
}

TEST_F(SteeredSetTest, ALostEventIsFoundByTheSweep) {
  SteeredSet set = make();
  const auto index = steer(set);
  flows_.slots()[index].fin_acked[0] = flows_.slots()[index].fin_acked[1] = 1;
  for (int i = 0; i < 40; ++i) {
    clock_.advance(Milliseconds(100));
    set.tick();
  }
  EXPECT_EQ(flows_.removals, 1);
}

TEST_F(SteeredSetTest, OneThatMayHavePipelinedComesBackAfterAWhileOnly) {
  SteeredSet set = make();
  const auto index = steer(set);
  lb_slot& s = flows_.slots()[index];
  s.force = 0;
  s.pipelined = 1;
  const auto sweep = [&] {
    clock_.advance(std::chrono::seconds(1));
    touch(s);
    set.tick();
  };
  sweep();
  sweep();
  EXPECT_EQ(s.force, 0) << "nobody wants it back";
  set.find(index, s.generation)->move = SteeredSet::Entry::Move{};
  set_state(s, LB_SLOT_ARMED);
  sweep();
  EXPECT_EQ(s.force, 0) << "patience";
  sweep();
  EXPECT_EQ(s.force, 1);
}

TEST_F(SteeredSetTest, IdleFlowsAreSweptAtTheLimitAndNotBefore) {
  SteeredSet set = make();
  steer(set);
  clock_.advance(std::chrono::seconds(898));
  set.tick();
  EXPECT_EQ(flows_.removals, 0);
  clock_.advance(std::chrono::seconds(4));
  set.tick();
  EXPECT_EQ(flows_.removals, 1);
  proxy::WorkerReport report;
  set.add_to(report);
  EXPECT_EQ(report.steered_idle, 1U);
}

TEST_F(SteeredSetTest, AFlowThatAnewSynReplacedIsCollectedWithoutRemovingTheNewEntries) {
  SteeredSet set = make();
  const auto index = steer(set);
  flows_.slots()[index].state = LB_SLOT_ENDED;
  set.on_event(event(LB_EVENT_ENDED, index));
  EXPECT_EQ(flows_.removals, 0);
  EXPECT_EQ(ports_.in_use(), 0U);
}

TEST_F(SteeredSetTest, EventsOfAnEarlierUseAreIgnored) {
  SteeredSet set = make();
  const auto index = steer(set);
  lb_event old = event(LB_EVENT_ENDED, index);
  --old.generation;
  set.on_event(old);
  EXPECT_EQ(flows_.slots()[index].state, LB_SLOT_NORMAL);
  EXPECT_EQ(ports_.in_use(), 1U);
}

TEST_F(SteeredSetTest, ArmedAndStoppedConnectionsAreLeftAsTheNextAgentCanAdoptThem) {
  SteeredSet set = make();
  const auto armed = steer(set);
  const auto stopped = steer(set);
  set_state(flows_.slots()[armed], LB_SLOT_ARMED);
  set_state(flows_.slots()[stopped], LB_SLOT_HELD);
  set.let_go();
  EXPECT_EQ(flows_.slots()[armed].state, LB_SLOT_NORMAL);
  EXPECT_EQ(flows_.slots()[stopped].state, LB_SLOT_NORMAL);
}

// Its client may be steered by another slot already, whose entries have the same key.
TEST_F(SteeredSetTest, EntriesOfASlotThatRestsAreNotRemovedByTheNextAgent) {
  SteeredSet set = make();
  const auto index = steer(set);
  (void)set.hand_on(index);
  set.let_go();
  const int before = flows_.removals;
  const auto shares = divide_slots(flows_.slots(), divide_ports(15000, 15003, 1));
  EXPECT_TRUE(shares[0].given_back.empty());
  EXPECT_EQ(shares[0].free.size(), 4U);
  EXPECT_EQ(flows_.removals, before);
}

TEST_F(SteeredSetTest, ThePortOfAConnectionThatCameBackIsNotReleased) {
  SteeredSet set = make();
  const auto index = steer(set);
  EXPECT_EQ(set.hand_on(index), 15000);
  EXPECT_EQ(ports_.in_use(), 1U);
  ASSERT_EQ(gone_.size(), 1U);
  EXPECT_EQ(gone_[0].end.how, proxy::CarriedEnd::How::kReturned);
}

TEST_F(SteeredSetTest, AnEndSaysWhatTheConnectionWas) {
  SteeredSet set = make();
  const auto index = steer(set);
  lb_slot& slot = flows_.slots()[index];
  slot.client = datapath::make_tuple(*SocketAddress::parse("198.51.100.4:4000"),
                                     *SocketAddress::parse("192.0.2.9:80"));
  slot.track[LB_TO_POD].bytes = 10;
  slot.track[LB_TO_CLIENT].bytes = 20;
  set.find(index, slot.generation)->move = {.reason = proxy::MoveReason::kShare};
  (void)set.hand_on(index);
  ASSERT_EQ(gone_.size(), 1U);
  EXPECT_EQ(to_string(gone_[0].end.last.client), "198.51.100.4:4000");
  EXPECT_EQ(to_string(gone_[0].end.last.endpoint), "192.0.2.1:80");
  EXPECT_EQ(gone_[0].end.moved, proxy::MoveReason::kShare);
  EXPECT_EQ(gone_[0].end.bytes_in, 10U);
  EXPECT_EQ(gone_[0].end.bytes_out, 20U);
}

TEST_F(SteeredSetTest, AnEndIsToldWithWhoeverResetTheConnection) {
  SteeredSet set = make();
  for (const std::uint8_t direction : {LB_TO_POD, LB_TO_CLIENT}) {
    const auto index = steer(set);
    flows_.slots()[index].reset = 1 + direction;
    set.on_event(event(LB_EVENT_ENDING, index));
  }
  clock_.advance(Milliseconds(2'000));
  set.tick();
  ASSERT_EQ(gone_.size(), 2U);
  EXPECT_EQ(gone_[0].end.how, proxy::CarriedEnd::How::kResetByClient);
  EXPECT_EQ(gone_[1].end.how, proxy::CarriedEnd::How::kResetByEndpoint);
}

TEST_F(SteeredSetTest, AdoptedConnectionsKeepTheirPortUntilTheyEnd) {
  lb_slot& slot = flows_.slots()[2];
  const auto pod = *SocketAddress::parse("192.0.2.1:80");
  slot.pod = datapath::make_tuple(pod, {*IpAddress::parse("192.0.2.9"), 15001});
  slot.state = LB_SLOT_NORMAL;
  touch(slot);
  SteeredSet set = make();
  proxy::WorkerReport report;
  set.add_to(report);
  EXPECT_EQ(report.steered_adopted, 1U);
  EXPECT_EQ(ports_.take(pod, clock_.now()), 15000);
  EXPECT_EQ(ports_.take(pod, clock_.now()), 15002);
  slot.reset = 1;
  for (int i = 0; i < 40; ++i) {
    clock_.advance(Milliseconds(100));
    set.tick();
  }
  set.add_to(report);
  EXPECT_EQ(report.steered_adopted, 0U);
  EXPECT_EQ(report.steered_open, 0U);
}

TEST_F(SteeredSetTest, TwoAdoptedConnectionsWithOnePortGiveItBackOnce) {
  const auto pod = *SocketAddress::parse("192.0.2.1:80");
  for (const std::uint32_t index : {1U, 2U}) {
    lb_slot& slot = flows_.slots()[index];
    slot.pod = datapath::make_tuple(pod, {*IpAddress::parse("192.0.2.9"), 15001});
    slot.state = LB_SLOT_NORMAL;
    slot.reset = 1;
    touch(slot);
  }
  SteeredSet set = make();
  for (int i = 0; i < 40; ++i) {
    clock_.advance(Milliseconds(100));
    set.tick();
  }
  EXPECT_EQ(flows_.removals, 2);
  EXPECT_EQ(ports_.in_use(), 0U);
}

}  // namespace
}  // namespace sluice::steer
