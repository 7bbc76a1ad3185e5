// SPDX-License-Identifier: Apache-2.0
// Upstream connections that show their client's address to a local pod: what our socket sends, what the pod answers.
#include <bpf/bpf.h>
#include <net/if.h>

#include "agent/datapath/flow_table.hpp"
#include "bpf/abi/source.h"
#include "tests/bpf/steered.hpp"

namespace sluice::test {
namespace {

class Source : public SteeredTest {
 protected:
  void SetUp() override {
    SteeredTest::SetUp();
    // Not steered yet.
    programs_->remove_flow(client_key_);
    programs_->remove_flow(pod_key_);
    wire_ = {client_.ip, node_.port};
    show(if_nametoindex("lo"));  // where test runs take place
  }
  void TearDown() override {
    for (const lb_tuple& key : keys_) (void)bpf_map_delete_elem(programs_->map("lb_sources"), &key);
  }

  void show(std::uint32_t ifindex) {
    keys_ = {datapath::make_tuple(node_, pod_), datapath::make_tuple(pod_, wire_)};
    const lb_source values[] = {{datapath::to_abi(client_.ip), ifindex, 0},
                                {datapath::to_abi(node_.ip), ifindex, 1}};
    for (int i = 0; i < 2; ++i) {
      ASSERT_EQ(bpf_map_update_elem(programs_->map("lb_sources"), &keys_[static_cast<unsigned>(i)],
                                    &values[i], BPF_ANY),
                0);
    }
  }
  [[nodiscard]] Packet answer(Packet packet) const {
    packet.from = pod_;
    packet.to = wire_;
    return packet;
  }
  [[nodiscard]] Packet sent(Packet packet) const {
    packet.from = node_;
    packet.to = pod_;
    return packet;
  }

  SocketAddress wire_;  // what the pod takes for its peer
  std::vector<lb_tuple> keys_;
};
LB_BOTH_FAMILIES(Source);

TEST_P(Source, OurPacketsCarryTheClientsAddress) {
  const auto result = programs_->egress(sent({.flags = kAck | kPsh, .payload = "GET / HTTP/1.1"}));
  EXPECT_EQ(result.verdict, kPass);
  EXPECT_TRUE(checksums_are_right(result.bytes));
  EXPECT_EQ(result.packet->from, wire_);
  EXPECT_EQ(result.packet->to, pod_);
  EXPECT_EQ(result.packet->payload, "GET / HTTP/1.1");
  EXPECT_EQ(counts(), (Counts{{"source_shown", 1}}));
}

TEST_P(Source, AnswersGoToOurSocket) {
  const auto result = programs_->ingress(answer({.flags = kAck, .payload = "HTTP/1.1 200 OK"}));
  EXPECT_EQ(result.verdict, kPass);
  EXPECT_TRUE(checksums_are_right(result.bytes));
  EXPECT_EQ(result.packet->from, pod_);
  EXPECT_EQ(result.packet->to, node_);
  EXPECT_EQ(counts(), (Counts{{"source_returned", 1}}));
}

TEST_P(Source, TheHandshakeIsRecordedAsItIsOnTheWire) {
  EXPECT_EQ(programs_->egress(sent({.seq = 99, .flags = kSyn})).packet->from, wire_);
  const auto result = programs_->ingress(answer({.seq = 700, .ack = 100, .flags = kSyn | kAck}));
  EXPECT_EQ(result.packet->to, node_);
  const auto leg = programs_->leg(datapath::make_tuple(pod_, wire_));
  ASSERT_TRUE(leg);
  EXPECT_EQ(leg->local_next, 100U);
  EXPECT_EQ(leg->remote_next, 701U);
  EXPECT_FALSE(programs_->leg(datapath::make_tuple(pod_, node_)));
}

TEST_P(Source, NothingIsReplacedOnAnotherInterface) {
  show(4711);
  const Packet out = sent({.flags = kAck}), in = answer({.flags = kAck});
  EXPECT_EQ(programs_->egress(out).bytes, encode(out));
  EXPECT_EQ(programs_->ingress(in).bytes, encode(in));
  EXPECT_EQ(counts(), Counts{});
}

TEST_P(Source, OthersThatUseThePodAreNotTouched) {
  Packet in = answer({.flags = kAck});
  in.to.port = 40'000;  // a connection of the client's own
  EXPECT_EQ(programs_->ingress(in).bytes, encode(in));
  Packet elsewhere = sent({.flags = kAck});
  elsewhere.from.port = static_cast<std::uint16_t>(node_.port + 1);
  EXPECT_EQ(programs_->egress(elsewhere).bytes, encode(elsewhere));
}

// From the promotion on the flow has the packets, and the entries wait for the connection's return.
TEST_P(Source, AFlowOfTheSamePacketsComesFirst) {
  const lb_tuple key = datapath::make_tuple(pod_, wire_);
  lb_flow flow = to_client_;
  flow.address_diff = datapath::address_difference(key, flow.out);
  programs_->put_flow(key, flow);
  change_slot([](lb_slot& slot) { slot.hold = 0; });
  const Packet packet = answer({.seq = kPodStart, .ack = kNodeStart + kRequest, .flags = kAck});
  EXPECT_EQ(programs_->ingress(packet).verdict, kRedirect);
  // What our socket still says is silenced on the same tuple.
  EXPECT_EQ(programs_->egress(sent({.flags = kFin | kAck})).verdict, kDrop);
  change_slot([](lb_slot& slot) { slot.state = LB_SLOT_PASS; });
  EXPECT_EQ(programs_->ingress(packet).packet->to, node_);
  programs_->remove_flow(key);
}

}  // namespace
}  // namespace sluice::test
