// SPDX-License-Identifier: Apache-2.0
// Path MTU discovery through a steered connection: what a router says about a translated packet reaches its sender, and
// what nobody can know who does not see the connection is not believed.
#include "tests/bpf/icmp_message.hpp"
#include "tests/bpf/steered.hpp"

namespace sluice::test {
namespace {

class Icmp : public SteeredTest {
 protected:
  void SetUp() override {
    SteeredTest::SetUp();
    router_ = GetParam() ? at("198.51.100.254:0").ip : at("[2001:db8:1::254]:0").ip;
    // 1,000 bytes of an answer and 500 of a request are under way.
    if (programs_ == nullptr) return;
    pod_sends({.seq = 0, .ack = kRequest, .payload = std::string(1000, 'a')});
    client_sends({.seq = kRequest, .ack = 200, .payload = std::string(500, 'r')});
    programs_->reset_counters();
  }
  // From a router between us and the client, about an answer; between us and the pod, about a request.
  [[nodiscard]] IcmpMessage about_answer(std::uint32_t seq) const {
    IcmpMessage message{.from = router_, .to = vip_.ip};
    message.about = from_agent_to_client({.seq = seq, .payload = "answer"});
    return message;
  }
  [[nodiscard]] IcmpMessage about_request(std::uint32_t seq) const {
    IcmpMessage message{.from = router_, .to = node_.ip};
    message.about = from_agent_to_pod({.seq = seq, .payload = "request"});
    return message;
  }
  RunResult arrives(const IcmpMessage& message) {
    return programs_->ingress_bytes(encode(message));
  }
  void expect_left_alone(const IcmpMessage& message) {
    const RunResult result = arrives(message);
    EXPECT_EQ(result.verdict, kPass);
    EXPECT_EQ(result.bytes, encode(message));
  }

  IpAddress router_;
};
LB_BOTH_FAMILIES(Icmp);

TEST_P(Icmp, TooBigAnswersAreToldToThePod) {
  for (const std::size_t quoted : {8U, 9U, 20U, 100U}) {
    IcmpMessage message = about_answer(300);
    message.quoted = quoted;
    const RunResult result = arrives(message);
    EXPECT_EQ(result.verdict, kRedirect);
    const auto told = decode_icmp(result.bytes);
    ASSERT_TRUE(told) << "a checksum is wrong";
    EXPECT_EQ(told->from, node_.ip);
    EXPECT_EQ(told->to, pod_.ip);
    EXPECT_EQ(told->type, GetParam() ? 3 : 2);
    EXPECT_EQ(told->code, GetParam() ? 4 : 0);
    EXPECT_EQ(told->mtu, 1300);
    EXPECT_EQ(told->about.from, pod_);
    EXPECT_EQ(told->about.to, node_);
    EXPECT_EQ(told->about.seq, kPodStart + 300);
    EXPECT_EQ(result.bytes.size(), encode(message).size());
  }
  EXPECT_EQ(counts(), (Counts{{"icmp_translated", 4}}));
}

TEST_P(Icmp, TooBigRequestsAreToldToTheClient) {
  const RunResult result = arrives(about_request(kRequest + 100));
  EXPECT_EQ(result.verdict, kRedirect);
  EXPECT_EQ(result.mark, 0x51ce0001U);
  const auto told = decode_icmp(result.bytes);
  ASSERT_TRUE(told) << "a checksum is wrong";
  EXPECT_EQ(told->from, vip_.ip);
  EXPECT_EQ(told->to, client_.ip);
  EXPECT_EQ(told->mtu, 1300);
  EXPECT_EQ(told->about.from, client_);
  EXPECT_EQ(told->about.to, vip_);
  EXPECT_EQ(told->about.seq, kClientStart + kRequest + 100);
  EXPECT_EQ(counts(), (Counts{{"icmp_translated", 1}}));
}

TEST_P(Icmp, WhatIsNotUnderWayIsNotBelieved) {
  arrives(about_answer(200));  // the first byte that is
  arrives(about_answer(999));  // the last one
  EXPECT_EQ(count("icmp_translated"), 2U);
  for (const std::uint32_t seq : {199U, 0U, 1000U, 1001U, 0x80000000U, 0xffff0000U})
    expect_left_alone(about_answer(seq));
  EXPECT_EQ(count("icmp_refused"), 6U);
  arrives(about_request(kRequest));
  arrives(about_request(kRequest + 499));
  EXPECT_EQ(count("icmp_translated"), 4U);
  for (const std::uint32_t seq : {kRequest - 1, kRequest + 500, 0x90000000U})
    expect_left_alone(about_request(seq));
  EXPECT_EQ(count("icmp_refused"), 9U);
  client_sends({.seq = kRequest + 500, .ack = 1000});  // now nothing of the answer is
  expect_left_alone(about_answer(999));
  expect_left_alone(about_answer(1000));
  EXPECT_EQ(count("icmp_refused"), 11U);
}

TEST_P(Icmp, NumbersMayWrap) {
  starts_ = {
      .client = 0U - kRequest - 50, .vip = 0U - 500, .node = 0U - kRequest - 50, .pod = 0U - 500};
  install();
  pod_sends({.seq = 0, .ack = kRequest, .payload = std::string(1000, 'a')});
  client_sends({.seq = kRequest, .ack = 200, .payload = std::string(500, 'r')});
  for (const std::uint32_t seq : {200U, 499U, 500U, 999U})
    EXPECT_EQ(arrives(about_answer(seq)).verdict, kRedirect) << seq;
  for (const std::uint32_t seq : {199U, 1000U}) expect_left_alone(about_answer(seq));
  for (const std::uint32_t seq : {kRequest, kRequest + 49, kRequest + 50, kRequest + 499})
    EXPECT_EQ(arrives(about_request(seq)).verdict, kRedirect) << seq;
}

TEST_P(Icmp, OtherMessagesAndOtherConnectionsAreNotOurs) {
  IcmpMessage message = about_answer(300);
  message.about.to.port = 40001;
  expect_left_alone(message);
  message = about_answer(300);
  message.about.from = pod_;  // not as we translated it
  expect_left_alone(message);
  for (const std::uint8_t type : std::initializer_list<std::uint8_t>{1, 3, 4, 8, 11, 12}) {
    message = about_answer(300);
    message.type = type;
    message.code = 1;
    expect_left_alone(message);
  }
  EXPECT_EQ(counts(), Counts{});
}

TEST_P(Icmp, OnlyWhileTheConnectionIsCarried) {
  for (const lb_slot_state state :
       {LB_SLOT_FREE, LB_SLOT_USED, LB_SLOT_HELD, LB_SLOT_PASS, LB_SLOT_ENDED}) {
    change_slot([&](lb_slot& slot) { slot.state = state; });
    expect_left_alone(about_answer(300));
  }
  change_slot([](lb_slot& slot) { slot.state = LB_SLOT_ARMED; });
  EXPECT_EQ(arrives(about_answer(300)).verdict, kRedirect);
  change_slot([](lb_slot& slot) { slot.generation = kGeneration + 1; });
  expect_left_alone(about_answer(300));
}

TEST_P(Icmp, TruncatedMessagesAreLeftToTheStack) {
  const Bytes whole = encode(about_answer(300));
  // The kernel itself refuses a test run with less than a whole IP header.
  for (std::size_t size = GetParam() ? 34 : 54; size < whole.size(); ++size) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<long>(size));
    EXPECT_EQ(programs_->ingress_bytes(part).verdict, kPass) << size;
  }
  EXPECT_EQ(counts(), Counts{});
}

TEST_P(Icmp, LyingQuotesAreLeftToTheStack) {
  const Bytes whole = encode(about_answer(300));
  const std::size_t quote = (GetParam() ? 34U : 54U) + 8;
  for (std::size_t at : {quote, quote + (GetParam() ? 9U : 6U)}) {  // version and length; protocol
    for (int value = 0; value < 256; ++value) {
      Bytes changed = whole;
      if (changed[at] == value || (!GetParam() && at == quote)) continue;
      changed[at] = static_cast<std::uint8_t>(value);
      EXPECT_EQ(programs_->ingress_bytes(changed).verdict, kPass) << at << ": " << value;
    }
  }
}

class IcmpIp4 : public Icmp {};
INSTANTIATE_TEST_SUITE_P(Family, IcmpIp4, ::testing::Values(true),
                         [](const auto&) { return "IPv4"; });

TEST_P(IcmpIp4, IpOptionsMayBeInBothHeaders) {
  IcmpMessage message = about_answer(300);
  message.ip_options = {7, 4, 4, 0};
  message.about.ip_options = {7, 4, 4, 0, 1, 1, 1, 0};
  const RunResult result = arrives(message);
  EXPECT_EQ(result.verdict, kRedirect);
  const auto told = decode_icmp(result.bytes);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->about.from, pod_);
  EXPECT_EQ(told->about.seq, kPodStart + 300);
}

TEST_P(IcmpIp4, FragmentsOfMessagesAreLeftToTheStack) {
  Bytes bytes = encode(about_answer(300));
  bytes[14 + 6] = 0x20;
  EXPECT_EQ(programs_->ingress_bytes(bytes).verdict, kPass);
}

}  // namespace
}  // namespace sluice::test
