// SPDX-License-Identifier: Apache-2.0
// An end that sends whatever it likes: garbage, ends, overlapping segments, old acknowledgments, tiny windows, lying
// quotes, floods of the ring. SLUICE_FULL=1: 10 million packets instead of 200,000.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "bpf/abi/limits.h"
#include "tests/bpf/icmp_message.hpp"
#include "tests/bpf/steered.hpp"

namespace sluice::test {
namespace {

constexpr std::uint32_t kOther = 7;  // slot of a connection that nobody touches
constexpr std::uint32_t kSlots = 16;

class Hostile : public SteeredTest {
 protected:
  void SetUp() override {
    SteeredTest::SetUp();
    if (programs_ == nullptr) return;
    // The other connection: the same in all but its ports and its slot.
    lb_slot slot = programs_->slot(kSlot);
    slot.client.source_port ^= 0x0101;
    slot.pod.destination_port ^= 0x0101;
    lb_flow to_pod = to_pod_, to_client = to_client_;
    to_pod.slot = to_client.slot = kOther;
    to_pod.out.source_port = slot.pod.destination_port;
    to_client.out.destination_port = slot.client.source_port;
    programs_->put_slot(kOther, slot);
    programs_->put_flow(slot.client, to_pod);
    programs_->put_flow(slot.pod, to_client);
  }

  std::uint32_t any() { return static_cast<std::uint32_t>(random_()); }
  std::uint32_t below(std::uint32_t bound) { return any() % bound; }
  // A number near those that count, or any at all.
  std::uint32_t number(std::uint32_t near) {
    switch (below(4)) {
      case 0:
        return near;
      case 1:
        return near + below(20) - 10;
      case 2:
        return near + below(400'000) - 200'000;
      default:
        return any();
    }
  }

  Packet any_packet(const lb_slot& slot, bool of_client) {
    static constexpr std::uint16_t kFlags[] = {kAck,        kAck,        kAck | kPsh, kFin | kAck,
                                               kRst,        kRst | kAck, kSyn,        kSyn | kAck,
                                               kFin | kRst, kFin | kSyn, 0,           0x1ff};
    const lb_track& own = slot.track[of_client ? LB_TO_POD : LB_TO_CLIENT];
    Packet packet = of_client ? from_client({}) : from_pod({});
    packet.seq = number(own.end);
    packet.ack = number(own.ack);
    packet.flags = kFlags[below(3) != 0 ? 0U : below(std::size(kFlags))];
    packet.window = static_cast<std::uint16_t>(below(2) != 0 ? any() : below(3));
    const char* const starts[] = {
        "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 C", "HTTP/1.1 101 S", "GET / HTTP/1.1\r\n", "", "G"};
    packet.payload = starts[below(std::size(starts))];
    if (below(2) != 0) packet.payload.resize(below(1400), static_cast<char>(any()));
    if (below(8) == 0) packet.options = option_sack({any(), any(), number(own.ack), any()});
    if (below(16) == 0) packet.options = {5, static_cast<std::uint8_t>(any()), 1, 2, 3, 4, 5, 6};
    return packet;
  }

  Bytes any_bytes(const lb_slot& slot) {
    const bool of_client = below(3) != 0;
    Bytes bytes = encode(any_packet(slot, of_client));
    const std::uint32_t kind = below(10);
    if (kind == 0) {
      IcmpMessage message{.from = client_.ip, .to = of_client ? vip_.ip : node_.ip};
      message.about = of_client ? from_agent_to_client({}) : from_agent_to_pod({});
      message.about.seq = number(slot.track[of_client ? LB_TO_POD : LB_TO_CLIENT].ack);
      message.mtu = static_cast<std::uint16_t>(any());
      bytes = encode(message);
    }
    if (kind <= 3) {  // what no sender would write; the Ethernet type stays
      for (std::uint32_t i = 0; i <= below(4); ++i)
        bytes[14 + below(static_cast<std::uint32_t>(bytes.size()) - 14)] =
            static_cast<std::uint8_t>(any());
    }
    const std::size_t least = GetParam() ? 34 : 54;
    if (kind == 4) bytes.resize(least + below(static_cast<std::uint32_t>(bytes.size() - least)));
    return bytes;
  }

  // The slot may only change where lb_tc writes, and only to what can be.
  void expect_sane(const lb_slot& before, const lb_slot& after) {
    ASSERT_LE(after.fin[0] | after.fin[1] | after.fin_acked[0] | after.fin_acked[1], 1);
    ASSERT_LE(after.interim | after.tunnel | after.pushed | after.pipelined, 1);
    ASSERT_LE(after.reset, 2);
    ASSERT_LE(after.last_direction, 1U);
    ASSERT_LE(after.turns, before.turns + 1);
    ASSERT_LE(after.track[0].window | after.track[1].window, 0xffffU);
    lb_slot same = after;
    same.state = before.state;
    same.last_seen = before.last_seen;
    std::memcpy(same.track, before.track, sizeof same.track);
    same.last_direction = before.last_direction;
    same.turns = before.turns;
    std::memcpy(same.fin, before.fin, sizeof same.fin);
    std::memcpy(same.fin_acked, before.fin_acked, sizeof same.fin_acked);
    same.reset = before.reset;
    same.interim = before.interim;
    same.tunnel = before.tunnel;
    same.pushed = before.pushed;
    same.pipelined = before.pipelined;
    same.ended_reason = before.ended_reason;
    same.first_byte = before.first_byte;
    same.turn_ns = before.turn_ns;
    std::memcpy(same.retransmissions, before.retransmissions, sizeof same.retransmissions);
    ASSERT_EQ(std::memcmp(&same, &before, sizeof same), 0) << "lb_tc wrote what is the agent's";
  }

  // Where the next request stops it, if it is armed.
  static void put_at_boundary(lb_slot& slot) {
    slot.track[LB_TO_CLIENT].ack = slot.track[LB_TO_POD].end + slot.seq_delta;
    slot.track[LB_TO_POD].ack = slot.track[LB_TO_CLIENT].end - slot.ack_delta;
    slot.last_direction = LB_TO_CLIENT;
    slot.fin[0] = slot.fin[1] = slot.fin_acked[0] = slot.fin_acked[1] = 0;
    slot.reset = slot.interim = slot.pipelined = 0;
    slot.ended_reason = 0;
  }

  static bool may_follow(std::uint32_t before, std::uint32_t after) {
    if (before == after) return true;
    if (before == LB_SLOT_ARMED && after == LB_SLOT_HELD) return true;
    return (before == LB_SLOT_NORMAL || before == LB_SLOT_ARMED) && after == LB_SLOT_ENDED;
  }

  // As the agent: what has ended is replaced, what was stopped goes on after a while, armed or not.
  void play_agent(lb_slot& slot) {
    if (slot.state == LB_SLOT_ENDED) {
      EXPECT_FALSE(programs_->flow(client_key_));
      EXPECT_FALSE(programs_->flow(pod_key_));
    }
    if (slot.state == LB_SLOT_ENDED || slot.tunnel != 0 || below(500) == 0) install();
    ended_ += slot.state == LB_SLOT_ENDED ? 1U : 0U;
    held_ += slot.state == LB_SLOT_HELD ? 1U : 0U;
    lb_slot now = programs_->slot(kSlot);
    if (below(50) == 0) put_at_boundary(now);
    now.state = below(2) != 0 ? LB_SLOT_ARMED : LB_SLOT_NORMAL;
    programs_->put_slot(kSlot, now);
    slot = now;
  }

  std::mt19937_64 random_{20'260'101};
  std::uint64_t ended_ = 0, held_ = 0, events_ = 0;
};
LB_BOTH_FAMILIES(Hostile);

TEST_P(Hostile, WhateverAnEndSendsConcernsItsOwnConnectionAlone) {
  const std::uint32_t packets = std::getenv("SLUICE_FULL") != nullptr ? 5'000'000 : 100'000;
  std::vector<lb_slot> others;
  for (std::uint32_t i = 0; i < kSlots; ++i) others.push_back(programs_->slot(i));
  std::uint64_t nanoseconds = 0;
  for (std::uint32_t i = 0; i < packets; ++i) {
    const lb_slot before = programs_->slot(kSlot);
    const Bytes bytes = any_bytes(before);
    const RunResult result = programs_->ingress_bytes(bytes);
    ASSERT_TRUE(result.verdict == kPass || result.verdict == kDrop || result.verdict == kRedirect);
    nanoseconds += result.nanoseconds;
    lb_slot after = programs_->slot(kSlot);
    ASSERT_TRUE(may_follow(before.state, after.state)) << before.state << " -> " << after.state;
    expect_sane(before, after);
    if (HasFatalFailure()) return;
    if (after.state != LB_SLOT_HELD || below(300) == 0) play_agent(after);
    // Flooded now and then: the ring takes what it has room for.
    if (i % 2000 == 0) events_ += events().size();
  }
  events_ += events().size();
  for (std::uint32_t i = 0; i < kSlots; ++i) {
    const lb_slot now = programs_->slot(i);
    EXPECT_TRUE(i == kSlot || std::memcmp(&now, &others[i], sizeof now) == 0) << "slot " << i;
  }
  install();
  EXPECT_EQ(programs_->flow_count(), 4U) << "entries of both connections, and no others";
  EXPECT_EQ(programs_->leg_count(), 0U) << "nobody's handshake was recorded";
  Counts counted = counts();
  std::printf(
      "[ hostile  ] %u packets, %.0f ns each; ended %lu, held %lu times, %lu events, %lu lost\n",
      packets, static_cast<double>(nanoseconds) / packets, ended_, held_, events_,
      counted["ring_full"]);
  // It was not all dropped at the door.
  for (const char* reason :
       {"to_pod", "to_client", "held_dropped", "rst_accepted", "rst_out_of_window", "fin_complete",
        "syn_on_live_flow", "syn_on_ended_flow", "synack_on_flow", "sack_rewritten",
        "icmp_translated", "icmp_refused", "ring_full"})
    EXPECT_GT(counted[reason], 0U) << reason;
  EXPECT_LT(nanoseconds / packets, 20'000U);
}

}  // namespace
}  // namespace sluice::test
