// SPDX-License-Identifier: Apache-2.0
// What the slot says about a connection: numbers, bytes, turns, interim responses.
#include "tests/bpf/steered.hpp"

namespace sluice::test {
namespace {

class Track : public SteeredTest {};
LB_BOTH_FAMILIES(Track);

TEST_P(Track, FollowsTheHighestNumbersOfEachSide) {
  pod_sends({.seq = 0, .ack = kRequest, .window = 77, .payload = "HTTP/1.1 200 OK\r\n\r\n"});
  lb_slot now = slot();
  EXPECT_EQ(now.track[LB_TO_CLIENT].end, kPodStart + 19);
  EXPECT_EQ(now.track[LB_TO_CLIENT].ack, kNodeStart + kRequest);
  EXPECT_EQ(now.track[LB_TO_CLIENT].window, 77U);
  EXPECT_EQ(now.last_direction, static_cast<std::uint32_t>(LB_TO_CLIENT));
  EXPECT_NE(now.last_seen, 0U);
  client_sends({.seq = kRequest, .ack = 19, .window = 66});
  client_sends({.seq = kRequest, .ack = 10, .window = 55});  // a late one changes nothing
  now = slot();
  EXPECT_EQ(now.track[LB_TO_POD].ack, kVipStart + 19);
  EXPECT_EQ(now.track[LB_TO_POD].window, 66U);
  EXPECT_EQ(now.track[LB_TO_POD].packets, 2U);
  EXPECT_EQ(now.track[LB_TO_CLIENT].packets, 1U);
}

TEST_P(Track, CountsBytesWithRepetitions) {
  client_sends({.seq = 0, .payload = std::string(kRequest, 'q')});
  client_sends({.seq = kRequest, .payload = "12345"});
  client_sends({.seq = kRequest, .payload = "12345"});
  EXPECT_EQ(slot().track[LB_TO_POD].bytes, kRequest + 10);
  EXPECT_EQ(slot().track[LB_TO_POD].end, kClientStart + kRequest + 5);
}

TEST_P(Track, CountsARequestWhenTheClientSpeaksAfterThePod) {
  EXPECT_EQ(slot().turns, 1U);
  finish_turn();
  client_sends({.seq = kRequest, .ack = 19, .payload = "GET"});
  EXPECT_EQ(slot().turns, 2U);
  client_sends({.seq = kRequest + 3, .ack = 19, .payload = " / "});  // the same request goes on
  client_sends({.seq = kRequest, .ack = 19, .payload = "GET"});      // a repetition
  EXPECT_EQ(slot().turns, 2U);
}

TEST_P(Track, AnInterimResponseIsNoBoundary) {
  pod_sends({.seq = 0, .ack = kRequest, .payload = "HTTP/1.1 100 Continue\r\n\r\n"});
  EXPECT_EQ(slot().interim, 1);
  client_sends({.seq = kRequest, .ack = 25, .payload = "body"});
  EXPECT_EQ(slot().turns, 1U);
  pod_sends({.seq = 25, .ack = kRequest + 4, .payload = "HTTP/1.1 200 OK\r\n\r\n"});
  EXPECT_EQ(slot().interim, 0);
  EXPECT_EQ(slot().tunnel, 0);
}

TEST_P(Track, SwitchingProtocolsIsForEver) {
  pod_sends({.seq = 0, .ack = kRequest, .payload = "HTTP/1.1 101 Switching Protocols\r\n\r\n"});
  EXPECT_EQ(slot().tunnel, 1);
  client_sends({.seq = kRequest, .ack = 36, .payload = "x"});
  pod_sends({.seq = 36, .ack = kRequest + 1, .payload = "HTTP/1.1 200 OK\r\n\r\n"});
  EXPECT_EQ(slot().tunnel, 1);
}

TEST_P(Track, AHeadTooShortToTellIsTakenForInterim) {
  pod_sends({.seq = 0, .ack = kRequest, .payload = "HTTP/1.1"});
  EXPECT_EQ(slot().interim, 1);
}

TEST_P(Track, NumbersFarOutsideTheWindowMoveNothing) {
  const lb_slot before = slot();
  EXPECT_EQ(client_sends({.seq = 0x40000000, .ack = 0x40000000, .payload = "blind"}).verdict,
            kRedirect);
  EXPECT_EQ(slot().track[LB_TO_POD].end, before.track[LB_TO_POD].end);
  EXPECT_EQ(slot().track[LB_TO_POD].ack, before.track[LB_TO_POD].ack);
  EXPECT_EQ(client_sends({.seq = 0x40000000, .flags = kFin | kAck}).verdict, kRedirect);
  EXPECT_EQ(slot().fin[LB_TO_POD], 0);
}

}  // namespace
}  // namespace sluice::test
