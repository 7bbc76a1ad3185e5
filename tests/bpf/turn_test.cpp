// SPDX-License-Identifier: Apache-2.0
// What the slot says about turns: how long an answer let wait for itself, what was sent again, and whether a second
// request may have come within a turn.
#include <chrono>

#include "tests/bpf/steered.hpp"

namespace sluice::test {
namespace {

constexpr const char* kOk = "HTTP/1.1 200 OK\r\n\r\n";  // 19 bytes
constexpr std::uint64_t kSecond = 1'000'000'000;

std::uint64_t now_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count());
}

class Turn : public SteeredTest {
 protected:
  // As if the turn had begun that much earlier.
  void age_turn(std::uint64_t nanoseconds) {
    change_slot([&](lb_slot& slot) { slot.turn_ns -= nanoseconds; });
  }
  // The next request's first packet, 50 bytes.
  RunResult request(const std::string& head = "GET /2", std::uint16_t flags = kAck | kPsh) {
    std::string bytes = head;
    bytes.resize(50, ' ');
    return client_sends({.seq = kRequest, .ack = 19, .flags = flags, .payload = bytes});
  }
  // The pod answers it, the client acknowledges, and then asks again at once.
  RunResult answer_and_next() {
    const std::uint32_t end = slot().track[LB_TO_POD].end - kClientStart;
    pod_sends({.seq = 19, .ack = end, .payload = kOk});
    client_sends({.seq = end, .ack = 38});
    return client_sends({.seq = end, .ack = 38, .flags = kAck | kPsh, .payload = "GET /3"});
  }
  void arm() {
    change_slot([](lb_slot& slot) { slot.state = LB_SLOT_ARMED; });
  }
};
LB_BOTH_FAMILIES(Turn);

TEST_P(Turn, TheFirstByteOfAnAnswerEndsTheWait) {
  finish_turn();
  EXPECT_EQ(slot().turn_ns, 0U);  // answered
  request();
  EXPECT_NE(slot().turn_ns, 0U);
  age_turn(kSecond);
  client_sends({.seq = kRequest + 50, .ack = 19, .payload = "body"});  // the turn began before
  pod_sends({.seq = 19, .ack = kRequest + 54, .payload = kOk});
  EXPECT_EQ(slot().turn_ns, 0U);
  EXPECT_GE(slot().first_byte, kSecond >> 10);
  EXPECT_LT(slot().first_byte, 2 * kSecond >> 10);
  const std::uint32_t waited = slot().first_byte;
  pod_sends({.seq = 38, .ack = kRequest + 54, .payload = "more of it"});
  EXPECT_EQ(slot().first_byte, waited);
}

TEST_P(Turn, TheWaitIsCountedForItsCluster) {
  constexpr std::uint64_t kCluster = 0x1234567890abcdef;
  change_slot([](lb_slot& slot) { slot.cluster = kCluster; });
  programs_->put_first_bytes(kCluster);
  programs_->put_first_bytes(kCluster + 1);
  finish_turn();  // the promoted request began at no time here
  EXPECT_EQ(programs_->first_bytes(kCluster)->sum_ns, 0U);
  for (const std::uint64_t ms : {0, 40, 40, 61'000}) {
    install();
    change_slot([&](lb_slot& slot) {
      slot.cluster = kCluster;
      slot.turn_ns = now_ns() - ms * 1'000'000;
    });
    finish_turn();
  }
  const lb_first_byte counted = *programs_->first_bytes(kCluster);
  EXPECT_EQ(counted.counts[0], 1U);
  EXPECT_EQ(counted.counts[6], 2U);   // up to 50 ms
  EXPECT_EQ(counted.counts[16], 1U);  // beyond a minute
  EXPECT_GE(counted.sum_ns, 61'080'000'000U);
  EXPECT_LT(counted.sum_ns, 62'000'000'000U);
  EXPECT_EQ(programs_->first_bytes(kCluster + 1)->sum_ns, 0U);
}

TEST_P(Turn, AClusterWithoutAnEntryIsNotCounted) {
  change_slot([](lb_slot& slot) {
    slot.cluster = 7;
    slot.turn_ns = 1;
  });
  finish_turn();
  EXPECT_EQ(slot().turn_ns, 0U);
  EXPECT_FALSE(programs_->first_bytes(7));
}

TEST_P(Turn, AnInterimResponseIsNoAnswer) {
  finish_turn();
  request("PUT /2");
  age_turn(kSecond);
  pod_sends({.seq = 19, .ack = kRequest + 50, .payload = "HTTP/1.1 100 Continue\r\n\r\n"});
  EXPECT_NE(slot().turn_ns, 0U);
  client_sends({.seq = kRequest + 50, .ack = 44, .payload = "body"});
  EXPECT_EQ(slot().turns, 2U);
  pod_sends({.seq = 44, .ack = kRequest + 54, .payload = kOk});
  EXPECT_EQ(slot().turn_ns, 0U);
  EXPECT_GE(slot().first_byte, kSecond >> 10);
}

TEST_P(Turn, AFinalResponseRightBehindAnInterimOneIsOne) {
  finish_turn();
  request();
  pod_sends({.seq = 19, .ack = kRequest + 50, .payload = "HTTP/1.1 103 Early Hints\r\n\r\n"});
  EXPECT_EQ(slot().interim, 1);
  pod_sends({.seq = 47, .ack = kRequest + 50, .payload = kOk});
  EXPECT_EQ(slot().interim, 0);
  EXPECT_EQ(slot().turn_ns, 0U);
  client_sends({.seq = kRequest + 50, .ack = 66, .payload = "GET /3"});
  EXPECT_EQ(slot().turns, 3U);
}

TEST_P(Turn, WhatFollowsAnInterimResponseAndIsNoHeadEndsNothing) {
  finish_turn();
  request();
  pod_sends({.seq = 19, .ack = kRequest + 50, .payload = "HTTP/1.1 103 Early Hints\r\n"});
  pod_sends(
      {.seq = 45, .ack = kRequest + 50, .payload = "Link: </style.css>; rel=preload\r\n\r\n"});
  EXPECT_EQ(slot().interim, 1);
}

TEST_P(Turn, CountsWhatWasSentAgain) {
  finish_turn();
  request();
  EXPECT_EQ(slot().retransmissions[LB_TO_POD], 0U);
  request();
  request();
  EXPECT_EQ(slot().retransmissions[LB_TO_POD], 2U);
  EXPECT_EQ(slot().retransmissions[LB_TO_CLIENT], 0U);
  pod_sends({.seq = 0, .ack = kRequest, .payload = kOk});
  EXPECT_EQ(slot().retransmissions[LB_TO_CLIENT], 1U);
  client_sends({.seq = kRequest + 50, .ack = 19});  // nothing in it
  EXPECT_EQ(slot().retransmissions[LB_TO_POD], 2U);
  EXPECT_EQ(slot().turns, 2U);
}

TEST_P(Turn, ASecondRequestInATurnIsNotCounted) {
  finish_turn();
  request();
  client_sends({.seq = kRequest + 50, .ack = 19, .flags = kAck | kPsh, .payload = "GET /also"});
  EXPECT_EQ(slot().turns, 2U);
  EXPECT_EQ(slot().pipelined, 1);
}

TEST_P(Turn, BehindASecondRequestThereIsNoBoundary) {
  finish_turn();
  request();
  client_sends({.seq = kRequest + 50, .ack = 19, .flags = kAck | kPsh, .payload = "GET /also"});
  arm();
  EXPECT_EQ(answer_and_next().verdict, kRedirect);
  EXPECT_EQ(slot().state, static_cast<std::uint32_t>(LB_SLOT_ARMED));
}

TEST_P(Turn, TheAgentMayForceABoundaryBehindASecondRequest) {
  finish_turn();
  request();
  client_sends({.seq = kRequest + 50, .ack = 19, .flags = kAck | kPsh, .payload = "GET /also"});
  arm();
  change_slot([](lb_slot& slot) { slot.force = 1; });
  EXPECT_EQ(answer_and_next().verdict, kDrop);
  EXPECT_EQ(slot().state, static_cast<std::uint32_t>(LB_SLOT_HELD));
}

struct Write {
  const char* first;
  std::uint16_t flags;
  std::string_view second;
  int pipelined;
};

TEST_P(Turn, ABodyInAWriteOfItsOwnIsNoSecondRequest) {
  for (const Write& write : std::initializer_list<Write>{
           {"POST /2", kAck | kPsh, "{\"a\": 1}", 0},
           {"POST /2", kAck | kPsh, "a=1&b=2", 0},
           {"POST /2", kAck | kPsh, "1A\r\nabcd", 0},
           {"POST /2", kAck | kPsh, " GET /", 0},
           {"POST /2", kAck | kPsh, std::string_view("\0\0binary", 8), 0},
           {"POST /2", kAck | kPsh, std::string_view("GET\0binary", 10), 0},
           {"POST /2", kAck | kPsh, "AB random", 0},  // no method is that short
           {"POST /2", kAck, "GET / HTTP/1.1", 0},    // the same write, in two packets
           {"POST /2", kAck | kPsh, "GET / HTTP/1.1", 1},
           {"POST /2", kAck | kPsh, "OPTIONS * HTTP/1.1", 1},
           {"POST /2", kAck | kPsh, "PROPFIND / HTTP/1.1", 1},
           {"POST /2", kAck | kPsh, "ABC", 0},       // as above
           {"POST /2", kAck | kPsh, "PURGE", 1}}) {  // too short to tell
    install();
    finish_turn();
    request(write.first, write.flags);
    client_sends({.seq = kRequest + 50,
                  .ack = 19,
                  .flags = kAck | kPsh,
                  .payload = std::string(write.second)});
    EXPECT_EQ(slot().pipelined, write.pipelined) << write.second;
    EXPECT_EQ(slot().turns, 2U);
    arm();
    EXPECT_EQ(answer_and_next().verdict, write.pipelined != 0 ? kRedirect : kDrop) << write.second;
  }
}

TEST_P(Turn, ARepetitionIsNoSecondRequest) {
  finish_turn();
  request();
  request();
  EXPECT_EQ(slot().pipelined, 0);
}

TEST_P(Turn, TheNextTurnIsNoSecondRequest) {
  finish_turn();
  request();
  answer_and_next();
  EXPECT_EQ(slot().turns, 3U);
  EXPECT_EQ(slot().pipelined, 0);
}

}  // namespace
}  // namespace sluice::test
