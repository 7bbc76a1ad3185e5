// SPDX-License-Identifier: Apache-2.0
#include "agent/steer/tracking.hpp"

#include <gtest/gtest.h>

#include "agent/datapath/flow_table.hpp"

namespace sluice::steer {
namespace {

// The client has sent up to 1000 and has all of the pod's bytes, and the other way round; numbers wrap in one leg.
lb_slot quiet_slot() {
  lb_slot slot{};
  slot.client = datapath::make_tuple(*SocketAddress::parse("203.0.113.7:40000"),
                                     *SocketAddress::parse("198.51.100.1:80"));
  slot.pod = datapath::make_tuple(*SocketAddress::parse("192.0.2.9:8080"),
                                  *SocketAddress::parse("192.0.2.1:15000"));
  slot.seq_delta = 0xffffff00;
  slot.ack_delta = 7'000;
  slot.track[LB_TO_POD] = {1'000, 0xfffffff0, 500, 0, 0, 0};
  slot.track[LB_TO_CLIENT] = {0xfffffff0 + 7'000, 1'000 + 0xffffff00, 600, 0, 0, 0};
  slot.last_direction = LB_TO_CLIENT;
  slot.client_mss = 1400;
  slot.pod_mss = 1380;
  slot.client_has_wscale = slot.pod_has_wscale = 1;
  slot.client_wscale_send = 7;
  slot.client_wscale_receive = 9;
  slot.pod_wscale_send = 5;
  slot.pod_wscale_receive = 8;
  slot.client_has_sack = 1;
  return slot;
}

bool quiescent_after(void (*change)(lb_slot&)) {
  lb_slot slot = quiet_slot();
  change(slot);
  return is_quiescent(slot, read_tracking(slot));
}

TEST(Tracking, AConnectionIsQuiescentWhenAllIsAcknowledgedAndThePodSpokeLast) {
  EXPECT_TRUE(quiescent_after([](lb_slot&) {}));
}

TEST(Tracking, WhateverIsUnderWayKeepsAConnectionFromComingBack) {
  EXPECT_FALSE(quiescent_after([](lb_slot& s) { ++s.track[LB_TO_POD].end; }));
  EXPECT_FALSE(quiescent_after([](lb_slot& s) { --s.track[LB_TO_POD].ack; }));
  EXPECT_FALSE(quiescent_after([](lb_slot& s) { ++s.track[LB_TO_CLIENT].end; }));
  EXPECT_FALSE(quiescent_after([](lb_slot& s) { --s.track[LB_TO_CLIENT].ack; }));
  EXPECT_FALSE(quiescent_after([](lb_slot& s) { s.last_direction = LB_TO_POD; }));
}

TEST(Tracking, InterimAnswersTunnelsAndEndsAreNoBoundary) {
  EXPECT_FALSE(quiescent_after([](lb_slot& s) { s.interim = 1; }));
  EXPECT_FALSE(quiescent_after([](lb_slot& s) { s.tunnel = 1; }));
  EXPECT_FALSE(quiescent_after([](lb_slot& s) { s.fin[LB_TO_POD] = 1; }));
  EXPECT_FALSE(quiescent_after([](lb_slot& s) { s.fin[LB_TO_CLIENT] = 1; }));
  EXPECT_FALSE(quiescent_after([](lb_slot& s) { s.reset = 1; }));
  EXPECT_FALSE(quiescent_after([](lb_slot& s) { s.hold = 1; }));
  EXPECT_FALSE(quiescent_after([](lb_slot& s) { s.pipelined = 1; }));
}

TEST(Tracking, TheClientsSocketContinuesWhereTheClientStands) {
  const lb_slot slot = quiet_slot();
  const net::TcpImage image = client_image(slot, {1'000, 0xfffffff0, 500, 600}, 40);
  EXPECT_EQ(to_string(image.local), "198.51.100.1:80");
  EXPECT_EQ(to_string(image.remote), "203.0.113.7:40000");
  EXPECT_EQ(image.next_send, 0xfffffff0);
  EXPECT_EQ(image.next_receive, 1'040U);
  EXPECT_EQ(image.acknowledged, 1'000U) << "nobody has told the client that its request arrived";
  EXPECT_EQ(image.window_send, 500U << 7);
  EXPECT_EQ(image.window_receive, (600U << 5 >> 9) << 9) << "as lb_tc has shown the pod's window";
  EXPECT_EQ(image.mss, 1400);
  EXPECT_TRUE(image.has_sack);
}

TEST(Tracking, TheEndpointsSocketHasNotGotTheRequest) {
  const lb_slot slot = quiet_slot();
  const net::TcpImage image = endpoint_image(slot, {1'000, 0xfffffff0, 500, 600});
  EXPECT_EQ(to_string(image.local), "192.0.2.1:15000");
  EXPECT_EQ(to_string(image.remote), "192.0.2.9:8080");
  EXPECT_EQ(image.next_send, 1'000 + 0xffffff00);
  EXPECT_EQ(image.next_receive, 0xfffffff0 + 7'000);
  EXPECT_EQ(image.window_send, 600U << 5);
  EXPECT_EQ(image.window_receive, (500U << 7 >> 8) << 8);
  EXPECT_EQ(image.mss, 1380);
  EXPECT_FALSE(image.has_sack);
}

TEST(Tracking, AWindowThatWasCappedIsRestoredAsItWasShown) {
  lb_slot slot = quiet_slot();
  slot.client_wscale_receive = 0;
  slot.pod_wscale_send = 14;
  EXPECT_EQ(client_image(slot, {0, 0, 0, 60'000}, 0).window_receive, 65'535U);
}

TEST(Tracking, WithoutWindowScalingScalesAreNotApplied) {
  lb_slot slot = quiet_slot();
  slot.client_has_wscale = slot.pod_has_wscale = 0;
  const net::TcpImage image = client_image(slot, {0, 0, 500, 600}, 0);
  EXPECT_EQ(image.window_send, 500U);
  EXPECT_EQ(image.window_receive, 600U);
  EXPECT_EQ(image.wscale_send, 0);
  EXPECT_EQ(image.wscale_receive, 0);
}

}  // namespace
}  // namespace sluice::steer
