// SPDX-License-Identifier: Apache-2.0
#include "tests/bpf/steered.hpp"

#include "agent/datapath/flow_table.hpp"
#include "tests/bpf/sandbox.hpp"

namespace sluice::test {

using datapath::address_difference;
using datapath::make_tuple;
using datapath::reverse;

void SteeredTest::SetUp() {
  if (!can_use_kernel()) GTEST_SKIP() << "needs root";
  programs_ = Programs::get();
  ASSERT_NE(programs_, nullptr) << "the programs cannot be loaded";
  programs_->reset();
  const bool v4 = GetParam();
  client_ = at(v4 ? "198.51.100.7:40000" : "[2001:db8:1::7]:40000");
  vip_ = at(v4 ? "203.0.113.10:80" : "[2001:db8:2::10]:80");
  node_ = at(v4 ? "192.0.2.1:20000" : "[2001:db8:3::1]:20000");
  pod_ = at(v4 ? "192.0.2.77:8080" : "[2001:db8:3::77]:8080");
  install();
}

void SteeredTest::install() {
  client_key_ = make_tuple(client_, vip_);
  pod_key_ = make_tuple(pod_, node_);
  to_pod_ = {.out = make_tuple(node_, pod_),
             .seq_delta = starts_.node - starts_.client,
             .ack_delta = starts_.pod - starts_.vip,
             .address_diff = address_difference(client_key_, make_tuple(node_, pod_)),
             .slot = kSlot,
             .generation = kGeneration,
             .ifindex = 1,
             .direction = LB_TO_POD,
             .forward = LB_FORWARD_PEER,
             .window_left = 7,
             .window_right = 9};
  to_client_ = to_pod_;
  to_client_.out = reverse(client_key_);
  to_client_.seq_delta = starts_.vip - starts_.pod;
  to_client_.ack_delta = starts_.client - starts_.node;
  to_client_.address_diff = address_difference(pod_key_, to_client_.out);
  to_client_.direction = LB_TO_CLIENT;
  to_client_.forward = LB_FORWARD_NEIGH;
  to_client_.window_left = 8;
  to_client_.window_right = 6;

  lb_slot slot{};
  slot.state = LB_SLOT_NORMAL;
  slot.owner = kOwner;
  slot.generation = kGeneration;
  slot.track[LB_TO_POD].end = starts_.client + kRequest;
  slot.track[LB_TO_POD].ack = starts_.vip;
  slot.track[LB_TO_POD].window = 500;
  slot.track[LB_TO_CLIENT].end = starts_.pod;
  slot.track[LB_TO_CLIENT].ack = starts_.node;
  slot.track[LB_TO_CLIENT].window = 500;
  slot.last_direction = LB_TO_POD;
  slot.turns = 1;
  slot.request_window = 321;
  slot.seq_delta = to_pod_.seq_delta;
  slot.ack_delta = to_pod_.ack_delta;
  slot.client = client_key_;
  slot.pod = pod_key_;
  slot.client_wscale_send = 7;
  slot.pod_wscale_send = 8;
  slot.client_has_sack = 1;
  slot.pod_has_sack = 1;
  programs_->put_slot(kSlot, slot);
  programs_->put_flow(client_key_, to_pod_);
  programs_->put_flow(pod_key_, to_client_);
}

Packet SteeredTest::from_client(Packet packet) const {
  packet.from = client_;
  packet.to = vip_;
  packet.seq += starts_.client;
  packet.ack += starts_.vip;
  return packet;
}

Packet SteeredTest::from_pod(Packet packet) const {
  packet.from = pod_;
  packet.to = node_;
  packet.seq += starts_.pod;
  packet.ack += starts_.node;
  return packet;
}

Packet SteeredTest::from_agent_to_pod(Packet packet) const {
  packet.from = node_;
  packet.to = pod_;
  packet.seq += starts_.node;
  packet.ack += starts_.pod;
  return packet;
}

Packet SteeredTest::from_agent_to_client(Packet packet) const {
  packet.from = vip_;
  packet.to = client_;
  packet.seq += starts_.vip;
  packet.ack += starts_.client;
  return packet;
}

Packet SteeredTest::at_pod(const RunResult& result) const {
  EXPECT_TRUE(checksums_are_right(result.bytes));
  Packet packet = result.packet.value_or(Packet{});
  EXPECT_EQ(packet.from, node_);
  EXPECT_EQ(packet.to, pod_);
  packet.seq -= starts_.node;
  packet.ack -= starts_.pod;
  return packet;
}

Packet SteeredTest::at_client(const RunResult& result) const {
  EXPECT_TRUE(checksums_are_right(result.bytes));
  Packet packet = result.packet.value_or(Packet{});
  EXPECT_EQ(packet.from, vip_);
  EXPECT_EQ(packet.to, client_);
  packet.seq -= starts_.vip;
  packet.ack -= starts_.client;
  return packet;
}

void SteeredTest::change_slot(const std::function<void(lb_slot&)>& change) {
  lb_slot changed = slot();
  change(changed);
  programs_->put_slot(kSlot, changed);
}

void SteeredTest::finish_turn() {
  EXPECT_EQ(pod_sends({.seq = 0, .ack = kRequest, .payload = "HTTP/1.1 200 OK\r\n\r\n"}).verdict,
            kRedirect);
  EXPECT_EQ(client_sends({.seq = kRequest, .ack = 19}).verdict, kRedirect);
}

}  // namespace sluice::test
