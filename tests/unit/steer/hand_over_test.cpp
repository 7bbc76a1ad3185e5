// SPDX-License-Identifier: Apache-2.0
#include "agent/steer/hand_over.hpp"

#include <gtest/gtest.h>

#include "agent/datapath/flow_table.hpp"

namespace sluice::steer {
namespace {

using proxy::Refusal;

struct Legs {
  Leg client;
  Leg upstream;
};

Legs good_legs() {
  Legs legs;
  legs.client.local = *SocketAddress::parse("198.51.100.1:80");
  legs.client.remote = *SocketAddress::parse("203.0.113.7:40000");
  legs.client.tcp = {.established = true,
                     .has_wscale = true,
                     .has_sack = true,
                     .wscale_send = 7,
                     .wscale_receive = 9,
                     .mss_send = 1460,
                     .mss_advertised = 1460,
                     .cwnd = 10,
                     .window_send = 64'000};
  legs.client.handshake = {1, 1, 3, LB_LEG_CLEAN, 0};
  legs.client.next_send = 0xfffffff0;
  legs.client.next_receive = 1'000;
  legs.upstream.local = *SocketAddress::parse("192.0.2.1:15000");
  legs.upstream.remote = *SocketAddress::parse("192.0.2.9:8080");
  legs.upstream.tcp = legs.client.tcp;
  legs.upstream.tcp.wscale_send = 5;
  legs.upstream.tcp.wscale_receive = 8;
  legs.upstream.handshake = {1, 1, 4, LB_LEG_CLEAN, 0};
  legs.upstream.next_send = 5'000;
  legs.upstream.next_receive = 7'000;
  return legs;
}

TEST(Refusal, AGoodPairIsTaken) {
  const Legs legs = good_legs();
  EXPECT_FALSE(refusal_of(legs.client, legs.upstream, 200, 0));
}

// A restored socket counts room for timestamps into its segments (docs/steering.md) and knows no promise of its own.
TEST(Refusal, AClientThatWasTakenBackIsJudgedByItsLeg) {
  Legs legs = good_legs();
  legs.client.tcp.mss_send = 1448;
  legs.client.tcp.mss_advertised = 1460;
  EXPECT_EQ(refusal_of(legs.client, legs.upstream, 200, 1460), Refusal::kMss);
  legs.client.handshake.mss = 1460;
  correct_restored(legs.client);
  EXPECT_FALSE(refusal_of(legs.client, legs.upstream, 200, 1460));
  EXPECT_EQ(refusal_of(legs.client, legs.upstream, 200, 1500), Refusal::kMss)
      << "it may have been promised as much as anybody was";
}

TEST(Refusal, EachUnfitLegIsNamed) {
  const auto refused = [](auto change, std::uint16_t promised = 0) {
    Legs legs = good_legs();
    change(legs);
    return refusal_of(legs.client, legs.upstream, 200, promised);
  };
  EXPECT_EQ(refused([](Legs& l) { l.client.tcp.established = false; }), Refusal::kClientState);
  EXPECT_EQ(refused([](Legs& l) { l.client.tcp.timestamps = true; }), Refusal::kClientState);
  EXPECT_EQ(refused([](Legs& l) { l.client.tcp.ecn = true; }), Refusal::kClientState);
  EXPECT_EQ(refused([](Legs& l) { l.client.handshake.flags = 0; }), Refusal::kClientState);
  EXPECT_EQ(refused([](Legs& l) { l.upstream.tcp.unacked = 1; }), Refusal::kUpstreamState);
  EXPECT_EQ(refused([](Legs& l) { l.upstream.tcp.timestamps = true; }), Refusal::kUpstreamState);
  EXPECT_EQ(refused([](Legs& l) { l.upstream.handshake.flags = 0; }), Refusal::kUpstreamState);
  EXPECT_EQ(refused([](Legs& l) { l.upstream.tcp.window_send = 199; }), Refusal::kUpstreamWindow);
  EXPECT_EQ(refused([](Legs& l) { l.upstream.tcp.cwnd = 0; }), Refusal::kUpstreamWindow);
  EXPECT_EQ(refused([](Legs& l) { l.upstream.remote = *SocketAddress::parse("[2001:db8::1]:80"); }),
            Refusal::kNoPath);
}

TEST(Refusal, SegmentSizesMustSuitBothSides) {
  Legs legs = good_legs();
  legs.client.tcp.mss_send = 1'260;  // the pod was told 1460
  EXPECT_EQ(refusal_of(legs.client, legs.upstream, 200, 0), Refusal::kMss);
  legs.upstream.tcp.mss_advertised = 1'260;  // a fresh upstream for that client
  EXPECT_FALSE(refusal_of(legs.client, legs.upstream, 200, 0));
  legs = good_legs();
  legs.upstream.tcp.mss_send = 1'400;  // the client was told 1460
  EXPECT_EQ(refusal_of(legs.client, legs.upstream, 200, 0), Refusal::kMss);
  EXPECT_FALSE(refusal_of(legs.client, legs.upstream, 200, 1'400)) << "lb_tc capped it on the wire";
}

TEST(Refusal, ACapOfOursIsNotALimitOfThePods) {
  Legs legs = good_legs();
  legs.client.tcp.mss_send = 536;
  legs.upstream.mss_cap = 536;
  legs.upstream.tcp.mss_advertised = legs.upstream.tcp.mss_send = 536;
  EXPECT_EQ(refusal_of(legs.client, legs.upstream, 200, 0), Refusal::kMss)
      << "the pod's own is unknown";
  legs.upstream.handshake.mss = 1'460;
  EXPECT_FALSE(refusal_of(legs.client, legs.upstream, 200, 0));
  legs.upstream.handshake.mss = 1'400;
  EXPECT_EQ(refusal_of(legs.client, legs.upstream, 200, 0), Refusal::kMss);
}

TEST(Prepare, DeltasTurnOneNumberingIntoTheOther) {
  const Legs legs = good_legs();
  lb_slot slot{};
  slot.generation = 42;
  Paths paths;
  paths.by_index[4] = {true, true};
  const FlowPair pair = prepare(legs.client, legs.upstream, 200, paths, 9, 77, TimePoint{}, slot);
  // Client byte 1000 is upstream byte 5000; the pod's byte 7000 is client-side byte 0xfffffff0.
  EXPECT_EQ(1'000U + pair.to_pod.seq_delta, 5'000U);
  EXPECT_EQ(0xfffffff0U + pair.to_pod.ack_delta, 7'000U);
  EXPECT_EQ(7'000U + pair.to_client.seq_delta, 0xfffffff0U);
  EXPECT_EQ(5'000U + pair.to_client.ack_delta, 1'000U);
  EXPECT_EQ(slot.track[LB_TO_POD].end, 1'200U);
  EXPECT_EQ(slot.track[LB_TO_POD].ack, 0xfffffff0U);
  EXPECT_EQ(slot.track[LB_TO_CLIENT].end, 7'000U);
  EXPECT_EQ(slot.track[LB_TO_CLIENT].ack, 5'000U);
  EXPECT_EQ(slot.hold_ack, 5'200U);
  EXPECT_EQ(slot.generation, 42U);
  EXPECT_EQ(pair.to_pod.generation, 42U);
  EXPECT_EQ(pair.to_pod.ifindex, 4U);
  EXPECT_EQ(pair.to_client.ifindex, 3U);
  EXPECT_EQ(pair.to_pod.forward, LB_FORWARD_PEER);
  EXPECT_EQ(pair.to_client.forward, LB_FORWARD_NEIGH);
}

TEST(Prepare, ATurnIsUnderWayWhoseRequestIsComplete) {
  const Legs legs = good_legs();
  lb_slot slot{};
  slot.pipelined = slot.force = 1;
  slot.first_byte = slot.retransmissions[0] = slot.retransmissions[1] = 5;
  const TimePoint now{Milliseconds(1'234)};
  (void)prepare(legs.client, legs.upstream, 200, Paths{}, 9, 77, now, slot);
  EXPECT_EQ(slot.turns, 1U);
  EXPECT_EQ(slot.turn_ns, 1'234'000'000U) << "the kernel times its answer";
  EXPECT_EQ(slot.pushed, 1) << "whatever comes before the answer is not of this request";
  EXPECT_EQ(slot.pipelined | slot.force, 0);
  EXPECT_EQ(slot.first_byte | slot.retransmissions[0] | slot.retransmissions[1], 0U);
}

TEST(Prepare, WindowsAreRescaled) {
  const Legs legs = good_legs();
  lb_slot slot{};
  const FlowPair pair = prepare(legs.client, legs.upstream, 200, Paths{}, 9, 77, TimePoint{}, slot);
  EXPECT_EQ(pair.to_pod.window_left, 7);   // as the client scales
  EXPECT_EQ(pair.to_pod.window_right, 8);  // as the pod was promised
  EXPECT_EQ(pair.to_client.window_left, 5);
  EXPECT_EQ(pair.to_client.window_right, 9);
  EXPECT_EQ(slot.request_window, 64'000U >> 8);
  EXPECT_EQ(slot.track[LB_TO_POD].window, 64'000U >> 7);
  EXPECT_EQ(pair.to_pod.forward, LB_FORWARD_NEIGH) << "an unknown interface has no peer to enter";
}

TEST(Prepare, AClientWithoutWindowScalingGetsPlainWindows) {
  Legs legs = good_legs();
  legs.client.tcp.has_wscale = false;
  lb_slot slot{};
  const FlowPair pair = prepare(legs.client, legs.upstream, 200, Paths{}, 9, 77, TimePoint{}, slot);
  EXPECT_EQ(pair.to_pod.window_left, 0);
  EXPECT_EQ(pair.to_client.window_right, 0);
}

// The checksum of a pseudo header over the old addresses plus the difference must be that over the new ones.
TEST(Prepare, AddressDifferenceUpdatesAChecksum) {
  const auto fold = [](std::uint64_t sum) {
    while ((sum >> 16) != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum % 0xffff);  // +0 and -0 are the same checksum
  };
  const auto sum_of = [](const lb_tuple& tuple) {
    std::uint64_t sum = 0;
    for (int i = 0; i < 4; ++i) sum += tuple.source.words[i];
    for (int i = 0; i < 4; ++i) sum += tuple.destination.words[i];
    return sum;
  };
  for (const bool six : {false, true}) {
    Legs legs = good_legs();
    if (six) {
      legs.client.local = *SocketAddress::parse("[2001:db8::1]:80");
      legs.client.remote = *SocketAddress::parse("[2001:db8:ffff::2]:40000");
      legs.upstream.local = *SocketAddress::parse("[2001:db8:1::1]:15000");
      legs.upstream.remote = *SocketAddress::parse("[2001:db8:2::abcd]:8080");
    }
    lb_slot slot{};
    const FlowPair pair = prepare(legs.client, legs.upstream, 1, Paths{}, 0, 0, TimePoint{}, slot);
    EXPECT_EQ(fold(sum_of(slot.client) + pair.to_pod.address_diff), fold(sum_of(pair.to_pod.out)));
    EXPECT_EQ(fold(sum_of(slot.pod) + pair.to_client.address_diff),
              fold(sum_of(pair.to_client.out)));
  }
}

}  // namespace
}  // namespace sluice::steer
