// SPDX-License-Identifier: Apache-2.0
// Handshakes are prepared so that the connection can be steered later, and only those that are ours.
#include <arpa/inet.h>

#include "agent/datapath/flow_table.hpp"
#include "tests/bpf/steered.hpp"

namespace sluice::test {
namespace {

using datapath::make_tuple;
using datapath::to_abi;

class Handshake : public SteeredTest {
 protected:
  void SetUp() override {
    SteeredTest::SetUp();
    if (programs_ != nullptr) programs_->reset();  // no connection yet
  }
  void listen(bool steer, bool any = true) {
    lb_listener_key key{.address = {}, .port = htons(80), .protocol = IPPROTO_TCP};
    if (!any) key.address = to_abi(vip_.ip);
    programs_->put_listener(key, {.flags = steer ? 1U : 0U, .mss4 = 1300, .mss6 = 1280});
  }
  Packet client_syn() {
    return from_client({.seq = 9,
                        .flags = kSyn | kEce | kCwr | kAe,
                        .options = option_mss(1460) + option_timestamp() + option_wscale(7)});
  }
  std::uint16_t cap() const { return GetParam() ? 1300 : 1280; }
};
LB_BOTH_FAMILIES(Handshake);

TEST_P(Handshake, SynToASteerableListenerLosesTimestampsAndEcn) {
  listen(true);
  const auto result = programs_->ingress(client_syn());
  EXPECT_EQ(result.verdict, kPass);
  EXPECT_TRUE(checksums_are_right(result.bytes));
  EXPECT_EQ(result.packet->flags, kSyn);
  EXPECT_EQ(result.packet->options, option_mss(1460) + Bytes(12, 1) + option_wscale(7));
  EXPECT_EQ(counts(), (Counts{{"handshake_cleaned", 1}}));
}

TEST_P(Handshake, SynToAnAddressOfItsOwnListener) {
  listen(true, false);
  EXPECT_EQ(programs_->ingress(client_syn()).packet->flags, kSyn);
  Packet elsewhere = client_syn();
  elsewhere.to.ip = node_.ip;
  EXPECT_EQ(programs_->ingress(elsewhere).bytes, encode(elsewhere));
}

TEST_P(Handshake, OtherSynsPassUntouched) {
  listen(false);
  EXPECT_EQ(programs_->ingress(client_syn()).bytes, encode(client_syn()));
  Packet other_port = client_syn();
  other_port.to.port = 81;
  EXPECT_EQ(programs_->ingress(other_port).bytes, encode(other_port));
  EXPECT_EQ(counts(), Counts{});
}

TEST_P(Handshake, SynAckToTheClientIsCappedAndRecorded) {
  listen(true);
  const Packet synack = from_agent_to_client(
      {.seq = 0, .ack = 1, .flags = kSyn | kAck, .options = option_mss(1460) + option_wscale(8)});
  const auto result = programs_->egress(synack);
  EXPECT_EQ(result.verdict, kPass);
  EXPECT_TRUE(checksums_are_right(result.bytes));
  EXPECT_EQ(result.packet->options, option_mss(cap()) + option_wscale(8));
  const auto leg = programs_->leg(client_key_);
  ASSERT_TRUE(leg);
  EXPECT_EQ(leg->local_next, kVipStart + 1);
  EXPECT_EQ(leg->remote_next, kClientStart + 1);
  EXPECT_EQ(leg->ifindex, 1U);
  EXPECT_EQ(leg->flags, LB_LEG_CLEAN);
  EXPECT_EQ(counts(), (Counts{{"handshake_cleaned", 1}, {"leg_recorded", 1}}));
  (void)programs_->egress(synack);  // repeated
  EXPECT_EQ(count("leg_recorded"), 1U);
}

TEST_P(Handshake, ASmallerMssStays) {
  listen(true);
  const auto result =
      programs_->egress(from_agent_to_client({.flags = kSyn | kAck, .options = option_mss(536)}));
  EXPECT_EQ(result.packet->options, option_mss(536));
}

TEST_P(Handshake, SynAckWithTimestampsOrEcnIsNotClean) {
  listen(true);
  (void)programs_->egress(from_agent_to_client(
      {.flags = kSyn | kAck, .options = option_mss(1000) + option_timestamp()}));
  EXPECT_EQ(programs_->leg(client_key_)->flags, 0U);
  (void)programs_->egress(from_agent_to_client({.seq = 5, .flags = kSyn | kAck | kEce}));
  EXPECT_EQ(programs_->leg(client_key_)->flags, 0U);
}

TEST_P(Handshake, SynAckOfAListenerThatIsNotSteerableIsLeftAlone) {
  listen(false);
  const Packet synack = from_agent_to_client({.flags = kSyn | kAck, .options = option_mss(1460)});
  EXPECT_EQ(programs_->egress(synack).bytes, encode(synack));
  EXPECT_FALSE(programs_->leg(client_key_));
}

TEST_P(Handshake, UpstreamHandshakeIsCleanedAndRecorded) {
  const auto syn = programs_->egress(from_agent_to_pod(
      {.seq = 0, .flags = kSyn | kEce | kCwr, .options = option_mss(1460) + option_timestamp()}));
  EXPECT_EQ(syn.verdict, kPass);
  EXPECT_TRUE(checksums_are_right(syn.bytes));
  EXPECT_EQ(syn.packet->flags, kSyn);
  EXPECT_EQ(syn.packet->options, option_mss(1460) + Bytes(12, 1));
  ASSERT_TRUE(programs_->leg(pod_key_));
  EXPECT_EQ(programs_->leg(pod_key_)->ifindex, 0U);  // not complete

  const Packet synack =
      from_pod({.seq = 0, .ack = 1, .flags = kSyn | kAck, .options = option_mss(1400)});
  const auto result = programs_->ingress(synack);
  EXPECT_EQ(result.verdict, kPass);
  EXPECT_EQ(result.bytes, encode(synack));
  const auto leg = programs_->leg(pod_key_);
  EXPECT_EQ(leg->local_next, kNodeStart + 1);
  EXPECT_EQ(leg->remote_next, kPodStart + 1);
  EXPECT_EQ(leg->ifindex, 1U);
  EXPECT_EQ(leg->flags, LB_LEG_CLEAN);
  EXPECT_EQ(leg->mss, 1400);
  EXPECT_EQ(counts(), (Counts{{"handshake_cleaned", 1}, {"leg_recorded", 1}}));
}

TEST_P(Handshake, UpstreamSynAckWithTimestampsIsNotClean) {
  (void)programs_->egress(from_agent_to_pod({.seq = 0, .flags = kSyn}));
  (void)programs_->ingress(
      from_pod({.ack = 1, .flags = kSyn | kAck, .options = option_timestamp()}));
  EXPECT_EQ(programs_->leg(pod_key_)->flags, 0U);
  EXPECT_EQ(programs_->leg(pod_key_)->ifindex, 1U);
}

TEST_P(Handshake, SynAcksThatNobodyAskedForAreNotRecorded) {
  (void)programs_->ingress(from_pod({.ack = 1, .flags = kSyn | kAck}));
  EXPECT_FALSE(programs_->leg(pod_key_));
  (void)programs_->egress(from_agent_to_pod({.seq = 0, .flags = kSyn}));
  (void)programs_->ingress(from_pod({.ack = 777, .flags = kSyn | kAck}));  // a guess
  EXPECT_EQ(programs_->leg(pod_key_)->ifindex, 0U);
  EXPECT_EQ(counts(), Counts{});
}

TEST_P(Handshake, SynsFromOtherPortsAreLeftAlone) {
  for (const std::uint16_t port :
       std::initializer_list<std::uint16_t>{kFirstUpstreamPort - 1, kLastUpstreamPort + 1}) {
    Packet syn = from_agent_to_pod({.flags = kSyn | kEce | kCwr, .options = option_timestamp()});
    syn.from.port = port;
    EXPECT_EQ(programs_->egress(syn).bytes, encode(syn));
  }
  for (const std::uint16_t port : {kFirstUpstreamPort, kLastUpstreamPort}) {
    Packet syn = from_agent_to_pod({.flags = kSyn | kEce | kCwr});
    syn.from.port = port;
    EXPECT_EQ(programs_->egress(syn).packet->flags, kSyn);
  }
}

}  // namespace
}  // namespace sluice::test
