// SPDX-License-Identifier: Apache-2.0
// A packet of one leg becomes a packet of the other: addresses, ports, numbers, window, checksums, SACK.
#include <net/if.h>

#include "tests/bpf/sandbox.hpp"
#include "tests/bpf/steered.hpp"

namespace sluice::test {
namespace {

class Translate : public SteeredTest {};
LB_BOTH_FAMILIES(Translate);

TEST_P(Translate, ClientToPod) {
  const auto result = client_sends(
      {.seq = 100, .ack = 0, .flags = kAck | kPsh, .payload = "GET / HTTP/1.1\r\n\r\n"});
  EXPECT_EQ(result.verdict, kRedirect);
  const Packet packet = at_pod(result);
  EXPECT_EQ(packet.seq, 100U);
  EXPECT_EQ(packet.ack, 0U);
  EXPECT_EQ(packet.flags, kAck | kPsh);
  EXPECT_EQ(packet.payload, "GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(result.mark, 0U);
  EXPECT_EQ(counts(), (Counts{{"to_pod", 1}}));
}

TEST_P(Translate, PodToClientIsMarkedForEgress) {
  const auto result = pod_sends({.seq = 0, .ack = kRequest, .payload = "HTTP/1.1 200 OK\r\n\r\n"});
  EXPECT_EQ(result.verdict, kRedirect);
  const Packet packet = at_client(result);
  EXPECT_EQ(packet.seq, 0U);
  EXPECT_EQ(packet.ack, kRequest);
  EXPECT_EQ(packet.payload, "HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(result.mark, 0x51ce0001U);
  EXPECT_EQ(counts(), (Counts{{"to_client", 1}}));
}

TEST_P(Translate, OddLengthsKeepTheChecksum) {
  for (std::size_t length = 0; length < 5; ++length)
    (void)at_pod(client_sends({.seq = 100, .payload = std::string(length, 'x')}));
}

TEST_P(Translate, WindowIsScaledAndCapped) {
  EXPECT_EQ(at_pod(client_sends({.seq = 100, .window = 1000})).window, 1000 >> 2);
  EXPECT_EQ(at_pod(client_sends({.seq = 100, .window = 0})).window, 0);
  EXPECT_EQ(at_client(pod_sends({.seq = 0, .window = 100})).window, 100 << 2);
  EXPECT_EQ(at_client(pod_sends({.seq = 0, .window = 60000})).window, 65535);
}

TEST_P(Translate, EthernetPaddingIsNoPayload) {
  EXPECT_EQ(client_sends({.seq = kRequest, .ack = 0, .padding = 6}).verdict, kRedirect);
  EXPECT_EQ(slot().track[LB_TO_POD].end, kClientStart + kRequest);
  EXPECT_EQ(slot().track[LB_TO_POD].bytes, 0U);
}

TEST_P(Translate, SackBlocksCountLikeAcknowledgments) {
  const auto up = client_sends(
      {.seq = 100,
       .options = option_sack({kVipStart + 10, kVipStart + 20, kVipStart + 30, kVipStart + 40})});
  EXPECT_EQ(at_pod(up).options,
            option_sack({kPodStart + 10, kPodStart + 20, kPodStart + 30, kPodStart + 40}));
  const auto down = pod_sends({.options = option_sack({kNodeStart + 1, kNodeStart + 60})});
  EXPECT_EQ(at_client(down).options, option_sack({kClientStart + 1, kClientStart + 60}));
  EXPECT_EQ(counts(), (Counts{{"to_pod", 1}, {"to_client", 1}, {"sack_rewritten", 2}}));
}

TEST_P(Translate, FourSackBlocksFillTheOptions) {
  std::vector<std::uint32_t> before, after;
  for (std::uint32_t edge = 0; edge < 8; ++edge) {
    before.push_back(kVipStart + edge * 100);
    after.push_back(kPodStart + edge * 100);
  }
  EXPECT_EQ(at_pod(client_sends({.seq = 100, .options = option_sack(before)})).options,
            option_sack(after));
}

TEST_P(Translate, SackIsHiddenFromAnEndThatDidNotAgreeToIt) {
  change_slot([](lb_slot& slot) { slot.pod_has_sack = 0; });
  const auto result =
      client_sends({.seq = 100, .options = option_sack({kVipStart + 10, kVipStart + 20})});
  EXPECT_EQ(at_pod(result).options, Bytes(12, 1));
}

TEST_P(Translate, MalformedOptionsPassUntouched) {
  for (const Bytes& options : {Bytes{5, 0, 0, 0}, Bytes{5, 40, 1, 2}, Bytes{5, 1, 1, 1},
                               Bytes{1, 1, 1, 5}, Bytes{0, 5, 10, 1}, Bytes{5, 3, 9, 9}}) {
    const auto result = client_sends({.seq = 100, .options = options});
    EXPECT_EQ(result.verdict, kRedirect);
    EXPECT_EQ(at_pod(result).options, options);
  }
}

TEST_P(Translate, NumbersWrapAround) {
  const auto result = client_sends({.seq = 0x7fffffff, .ack = 0xffff0000});
  const Packet packet = at_pod(result);
  EXPECT_EQ(packet.seq, 0x7fffffffU);
  EXPECT_EQ(packet.ack, 0xffff0000U);
}

TEST_P(Translate, FlowOfAReusedSlotIsRemoved) {
  change_slot([](lb_slot& slot) { slot.generation = kGeneration + 1; });
  const auto result = client_sends({.seq = 100, .payload = "x"});
  EXPECT_EQ(result.verdict, kPass);
  EXPECT_EQ(result.bytes, encode(from_client({.seq = 100, .payload = "x"})));
  EXPECT_FALSE(programs_->flow(client_key_));
  EXPECT_TRUE(programs_->flow(pod_key_));
  EXPECT_EQ(counts(), (Counts{{"stale_flow", 1}}));
}

TEST_P(Translate, OthersPassUntouchedAndUncounted) {
  Packet other = from_client({.seq = 100, .payload = "x"});
  other.from.port = 40001;
  EXPECT_EQ(programs_->ingress(other).verdict, kPass);
  EXPECT_EQ(programs_->ingress(other).bytes, encode(other));
  Bytes udp = encode(other);
  udp[GetParam() ? 14 + 9 : 14 + 6] = 17;
  EXPECT_EQ(programs_->ingress_bytes(udp).verdict, kPass);
  Bytes arp = encode(other);
  arp[12] = 8;
  arp[13] = 6;
  EXPECT_EQ(programs_->ingress_bytes(arp).verdict, kPass);
  EXPECT_EQ(counts(), Counts{});
}

TEST_P(Translate, TruncatedPacketsAreLeftToTheStack) {
  const Bytes whole =
      encode(from_client({.seq = 100, .options = option_sack({1, 2}), .payload = "hello"}));
  // The kernel itself refuses a test run with less than a whole IP header.
  for (std::size_t size = GetParam() ? 34 : 54; size < whole.size(); ++size) {
    const auto result =
        programs_->ingress_bytes(Bytes(whole.begin(), whole.begin() + static_cast<long>(size)));
    EXPECT_NE(result.verdict, kRedirect) << size;
  }
  EXPECT_EQ(counts(), Counts{});
}

TEST_P(Translate, HeaderLengthsThatLieAreLeftToTheStack) {
  const std::size_t tcp = GetParam() ? 34 : 54;
  for (int words = 0; words < 16; ++words) {
    if (words == 5) continue;
    Bytes bytes = encode(from_client({.seq = 100}));
    bytes[tcp + 12] = static_cast<std::uint8_t>(words << 4);
    EXPECT_EQ(programs_->ingress_bytes(bytes).verdict, kPass) << words;
  }
}

TEST_P(Translate, PacketsBeyondTheMtuOfTheWayOutAreCounted) {
  const Sandbox sandbox;
  ASSERT_TRUE(Sandbox::run("ip link add east mtu 1300 type veth peer name west"));
  to_pod_.ifindex = if_nametoindex("east");
  programs_->put_flow(client_key_, to_pod_);
  (void)client_sends({.seq = 100, .payload = std::string(1240 - (GetParam() ? 0 : 20), 'x')});
  EXPECT_EQ(count("too_big"), 0U);
  (void)client_sends({.seq = 100, .payload = std::string(1400, 'x')});
  EXPECT_EQ(count("too_big"), 1U);
  EXPECT_EQ(count("to_pod"), 2U);
}

class TranslateIp4 : public SteeredTest {};
INSTANTIATE_TEST_SUITE_P(Family, TranslateIp4, ::testing::Values(true),
                         [](const auto&) { return "IPv4"; });

TEST_P(TranslateIp4, IpOptionsGoAlong) {
  const auto result = client_sends({.seq = 100, .payload = "abc", .ip_options = {7, 4, 4, 0}});
  EXPECT_EQ(result.verdict, kRedirect);
  const Packet packet = at_pod(result);
  EXPECT_EQ(packet.ip_options, (Bytes{7, 4, 4, 0}));
  EXPECT_EQ(packet.payload, "abc");
  EXPECT_EQ(slot().track[LB_TO_POD].bytes, 3U);
}

TEST_P(TranslateIp4, FragmentsAreLeftToTheStack) {
  EXPECT_EQ(client_sends({.seq = 100, .payload = "abc", .fragment = 0x2000}).verdict,
            kPass);  // the first
  EXPECT_EQ(counts(), (Counts{{"fragment", 1}}));
  EXPECT_EQ(client_sends({.seq = 100, .payload = "abc", .fragment = 0x0010}).verdict,
            kPass);  // a later one
  EXPECT_EQ(counts(), (Counts{{"fragment", 1}}));
}

TEST_P(TranslateIp4, DontFragmentIsNoFragment) {
  EXPECT_EQ(client_sends({.seq = 100, .fragment = 0x4000}).verdict, kRedirect);
}

}  // namespace
}  // namespace sluice::test
