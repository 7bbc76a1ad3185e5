// SPDX-License-Identifier: Apache-2.0
// What is easily got wrong around a connection that stops or ends: zero windows, ends inside HELD, numbers that wrap,
// packets larger than a length field can say.
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <chrono>
#include <cstring>

#include "bpf/abi/event.h"
#include "tests/bpf/sandbox.hpp"
#include "tests/bpf/steered.hpp"

namespace sluice::test {
namespace {

constexpr const char* kOk = "HTTP/1.1 200 OK\r\n\r\n";  // 19 bytes

class Trap : public SteeredTest {
 protected:
  void set_state(lb_slot_state state) {
    change_slot([&](lb_slot& slot) { slot.state = state; });
  }
  void expect_state(lb_slot_state state) {
    EXPECT_EQ(slot().state, static_cast<std::uint32_t>(state));
  }
};
LB_BOTH_FAMILIES(Trap);

TEST_P(Trap, AClientWithAClosedWindowIsProbedAndGoesOn) {
  pod_sends({.seq = 0, .ack = kRequest, .payload = kOk});
  EXPECT_EQ(at_pod(client_sends({.seq = kRequest, .ack = 19, .window = 0})).window, 0);
  EXPECT_EQ(slot().track[LB_TO_POD].window, 0U);
  // A probe repeats an old byte's number without data, or sends the next byte although there is no room.
  EXPECT_EQ(at_client(pod_sends({.seq = 18, .ack = kRequest})).seq, 18U);
  EXPECT_EQ(pod_sends({.seq = 19, .ack = kRequest, .payload = "x"}).verdict, kRedirect);
  EXPECT_EQ(slot().track[LB_TO_CLIENT].end, starts_.pod + 20);
  client_sends({.seq = kRequest, .ack = 19, .window = 0});  // refused
  client_sends({.seq = kRequest, .ack = 19, .window = 1000});
  EXPECT_EQ(slot().track[LB_TO_POD].window, 1000U);
  EXPECT_EQ(pod_sends({.seq = 19, .ack = kRequest, .payload = "xyz"}).verdict, kRedirect);
  EXPECT_EQ(slot().track[LB_TO_CLIENT].end, starts_.pod + 22);
}

TEST_P(Trap, AClientThatAsksWithAClosedWindowIsTakenBackWithIt) {
  finish_turn();
  set_state(LB_SLOT_ARMED);
  client_sends({.seq = kRequest, .ack = 19, .window = 0, .payload = "GET /2"});
  expect_state(LB_SLOT_HELD);
  const auto told = events();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].header.window, 0U);
}

TEST_P(Trap, ARefusedProbeIsNoBoundary) {
  pod_sends({.seq = 0, .ack = kRequest, .payload = kOk});
  client_sends({.seq = kRequest, .ack = 19, .window = 0});
  pod_sends({.seq = 19, .ack = kRequest, .payload = "x"});
  set_state(LB_SLOT_ARMED);
  EXPECT_EQ(client_sends({.seq = kRequest, .ack = 19, .window = 0, .payload = "GET"}).verdict,
            kRedirect);
  expect_state(LB_SLOT_ARMED);
}

TEST_P(Trap, EndsInsideHeldAreDroppedUnseenAndComeAgain) {
  finish_turn();
  set_state(LB_SLOT_HELD);
  const lb_slot before = slot();
  EXPECT_EQ(pod_sends({.seq = 19, .ack = kRequest, .flags = kFin | kAck}).verdict, kDrop);
  EXPECT_EQ(client_sends({.seq = kRequest, .ack = 19, .flags = kFin | kAck}).verdict, kDrop);
  EXPECT_EQ(client_sends({.seq = kRequest, .ack = 19, .flags = kRst}).verdict, kDrop);
  EXPECT_EQ(pod_sends({.seq = 19, .ack = kRequest, .flags = kRst}).verdict, kDrop);
  EXPECT_EQ(client_sends({.seq = 4711, .flags = kSyn}).verdict, kDrop);
  EXPECT_TRUE(events().empty());
  const lb_slot after = slot();
  EXPECT_EQ(std::memcmp(&before, &after, sizeof before), 0);
  // The agent's sockets hear of them when they are repeated ...
  set_state(LB_SLOT_PASS);
  EXPECT_EQ(pod_sends({.seq = 19, .ack = kRequest, .flags = kFin | kAck}).verdict, kPass);
  // ... and so does the other end when the agent let the connection go on.
  set_state(LB_SLOT_NORMAL);
  EXPECT_EQ(pod_sends({.seq = 19, .ack = kRequest, .flags = kFin | kAck}).verdict, kRedirect);
  EXPECT_EQ(slot().fin[LB_TO_CLIENT], 1);
}

TEST_P(Trap, DataOfThePodInsideHeldIsDroppedUnseen) {
  finish_turn();
  set_state(LB_SLOT_HELD);
  EXPECT_EQ(pod_sends({.seq = 19, .ack = kRequest, .payload = "late"}).verdict, kDrop);
  EXPECT_EQ(slot().track[LB_TO_CLIENT].end, starts_.pod + 19);
  EXPECT_TRUE(events().empty());
}

TEST_P(Trap, ARequestWithAnEndIsNoBoundary) {
  finish_turn();
  set_state(LB_SLOT_ARMED);
  EXPECT_EQ(
      client_sends({.seq = kRequest, .ack = 19, .flags = kFin | kAck, .payload = "GET"}).verdict,
      kRedirect);
  expect_state(LB_SLOT_ARMED);
  EXPECT_EQ(slot().fin[LB_TO_POD], 1);
}

TEST_P(Trap, AClientThatEndsRightBehindItsRequestGetsItsAnswer) {
  EXPECT_EQ(client_sends({.seq = kRequest, .flags = kFin | kAck}).verdict, kRedirect);
  EXPECT_EQ(client_sends({.seq = kRequest, .flags = kFin | kAck}).verdict, kRedirect);
  pod_sends({.seq = 0, .ack = kRequest});  // of the request alone
  EXPECT_EQ(slot().fin_acked[LB_TO_POD], 0);
  pod_sends({.seq = 0, .ack = kRequest + 1, .payload = kOk});
  EXPECT_EQ(slot().fin_acked[LB_TO_POD], 1);
  EXPECT_TRUE(events().empty());
  pod_sends({.seq = 19, .ack = kRequest + 1, .flags = kFin | kAck});
  client_sends({.seq = kRequest + 1, .ack = 20});
  ASSERT_EQ(events().size(), 1U);
  EXPECT_EQ(count("fin_complete"), 1U);
}

TEST_P(Trap, ALostLastAckBehindTheEndMeetsTheStacksReset) {
  programs_->remove_flow(client_key_);
  programs_->remove_flow(pod_key_);
  EXPECT_EQ(pod_sends({.seq = 19, .ack = kRequest, .flags = kFin | kAck}).verdict, kPass);
  // Nothing holds the answer back, and a pod that waits for its last ACK is done with it.
  EXPECT_EQ(programs_->egress(from_agent_to_pod({.seq = kRequest, .flags = kRst})).verdict, kPass);
  EXPECT_EQ(counts(), Counts{});
}

TEST_P(Trap, SackGoesOnlyToWhomAgreedInBothDirections) {
  const Bytes blocks = option_sack({starts_.node + 1, starts_.node + 60});
  change_slot([](lb_slot& slot) { slot.client_has_sack = 0; });
  EXPECT_EQ(at_client(pod_sends({.seq = 0, .options = blocks})).options, Bytes(12, 1));
  change_slot([](lb_slot& slot) { slot.client_has_sack = 1, slot.pod_has_sack = 0; });
  EXPECT_EQ(at_client(pod_sends({.seq = 0, .options = blocks})).options,
            option_sack({starts_.client + 1, starts_.client + 60}));
  // The acknowledgment itself says that something is missing, with blocks or without.
  EXPECT_EQ(at_pod(client_sends({.seq = kRequest, .ack = 7, .options = blocks})).ack, 7U);
}

TEST_P(Trap, NumbersMayWrapAnywhereInATurn) {
  for (const Starts starts : std::initializer_list<Starts>{
           {.client = 0U - kRequest},           // the request ends at 0
           {.client = 0U - kRequest - 6},       // the next one does
           {.client = 0x80000000U - kRequest},  // where signed numbers turn
           {.vip = 0U - 19},                    // the answer ends at 0
           {.vip = 0xffffffff, .pod = 0xffffffff},
           {.node = 0U - kRequest, .pod = 0U - 19},
           {.node = 0U - kRequest - 3, .pod = 0U - 3},
           {.client = 0xffffffff, .vip = 0xffffffff, .node = 0xffffffff, .pod = 0xffffffff},
           {.client = 0x7fffffff, .vip = 0x7fffffff, .node = 0x7fffffff, .pod = 0x7fffffff}}) {
    starts_ = starts;
    install();
    EXPECT_EQ(at_pod(client_sends({.seq = 0, .payload = std::string(kRequest, 'q')})).seq, 0U);
    EXPECT_EQ(slot().track[LB_TO_POD].end, starts.client + kRequest);
    finish_turn();
    EXPECT_EQ(slot().track[LB_TO_CLIENT].end, starts.pod + 19);
    EXPECT_EQ(slot().track[LB_TO_POD].ack, starts.vip + 19);
    client_sends({.seq = kRequest - 1, .ack = 18, .payload = "q"});  // a late repetition
    EXPECT_EQ(slot().track[LB_TO_POD].end, starts.client + kRequest);
    EXPECT_EQ(slot().track[LB_TO_POD].ack, starts.vip + 19);
    EXPECT_EQ(slot().turns, 1U);
    client_sends({.seq = kRequest - 1, .ack = 19, .flags = kRst});  // before the window
    EXPECT_EQ(slot().reset, 0);
    set_state(LB_SLOT_ARMED);
    EXPECT_EQ(client_sends({.seq = kRequest, .ack = 19, .payload = "GET /2"}).verdict, kDrop);
    client_sends({.seq = kRequest + 6, .ack = 19, .payload = "more"});
    const auto told = events();
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[0].header.seq, starts.client + kRequest);
    EXPECT_EQ(told[0].header.ack, starts.vip + 19);
    EXPECT_EQ(told[1].header.seq, starts.client + kRequest + 6);
    set_state(LB_SLOT_NORMAL);
    client_sends({.seq = kRequest, .ack = 19, .flags = kFin | kAck, .payload = "GET /2"});
    pod_sends({.seq = 19, .ack = kRequest + 7, .flags = kFin | kAck});
    client_sends({.seq = kRequest + 7, .ack = 20});
    EXPECT_EQ(events().size(), 1U) << "both ends acknowledged";
  }
}

TEST_P(Trap, AHeldSocketWaitsForItsNumberAcrossTheWrap) {
  starts_.node = 0U - kRequest;
  install();
  change_slot([&](lb_slot& slot) {
    slot.hold = 1;
    slot.hold_ack = 0;  // starts_.node + kRequest
  });
  EXPECT_EQ(pod_sends({.seq = 0, .ack = kRequest - 1}).verdict, kPass);
  EXPECT_EQ(slot().hold, 1);
  EXPECT_EQ(pod_sends({.seq = 0, .ack = kRequest}).verdict, kRedirect);
  EXPECT_EQ(slot().hold, 0);
}

// As large as a test run of the kernel takes; what matters is that the length field says nothing.
TEST_P(Trap, ABigPacketWithoutLengthCountsInFull) {
  Bytes bytes = encode(from_client({.seq = 0, .payload = std::string(2000, 'x')}));
  const std::size_t length = GetParam() ? 14 + 2 : 14 + 4;
  bytes[length] = bytes[length + 1] = 0;
  EXPECT_EQ(programs_->ingress_bytes(bytes).verdict, kPass) << "no such thing on a wire";
  EXPECT_EQ(slot().track[LB_TO_POD].bytes, 0U);
  EXPECT_EQ(programs_->ingress_gso(bytes, 1000).verdict, kRedirect);
  EXPECT_EQ(slot().track[LB_TO_POD].bytes, 2000U);
  EXPECT_EQ(slot().track[LB_TO_POD].end, starts_.client + 2000);
}

// Sends one frame out of that interface.
void send_frame(unsigned interface, const Bytes& bytes) {
  const UniqueFd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = static_cast<int>(interface);
  ASSERT_EQ(::sendto(fd.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&to),
                     sizeof to),
            static_cast<ssize_t>(bytes.size()));
}

TEST_P(Trap, ARequestTooLargeToCopyIsForwardedAndTheNextOneStops) {
  const Sandbox sandbox;
  ASSERT_TRUE(Sandbox::run("ip link add east mtu 9000 type veth peer name west mtu 9000"));
  ASSERT_TRUE(Sandbox::run("ip link set east up") && Sandbox::run("ip link set west up"));
  const UniqueFd attached = programs_->attach_ingress(if_nametoindex("east"));
  if (!attached) GTEST_SKIP() << "needs tcx";
  const auto arrives = [&](const Packet& packet) {
    const std::uint64_t before = slot().track[LB_TO_POD].packets + count("held_dropped");
    send_frame(if_nametoindex("west"), encode(from_client(packet)));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (slot().track[LB_TO_POD].packets + count("held_dropped") == before &&
           std::chrono::steady_clock::now() < deadline) {
    }
  };
  finish_turn();
  set_state(LB_SLOT_ARMED);
  const std::string large(LB_EVENT_DATA_SMALL + 1, 'x');
  arrives({.seq = kRequest, .ack = 19, .payload = large});
  expect_state(LB_SLOT_ARMED);
  EXPECT_EQ(slot().turns, 2U);
  const std::uint32_t end = kRequest + LB_EVENT_DATA_SMALL + 1;
  pod_sends({.seq = 19, .ack = end, .payload = kOk});
  client_sends({.seq = end, .ack = 38});
  arrives({.seq = end, .ack = 38, .payload = large.substr(1)});
  expect_state(LB_SLOT_HELD);
  arrives({.seq = end + LB_EVENT_DATA_SMALL, .ack = 38, .payload = large});
  const auto told = events();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].payload.size(), static_cast<std::size_t>(LB_EVENT_DATA_SMALL));
  EXPECT_EQ(told[1].payload, large) << "what follows while HELD may be larger";
}

}  // namespace
}  // namespace sluice::test
