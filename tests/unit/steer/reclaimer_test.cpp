// SPDX-License-Identifier: Apache-2.0
// Returns with real sockets, in a network namespace where nobody answers.
#include "agent/steer/reclaimer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

#include "agent/net/socket.hpp"
#include "agent/net/tcp_repair.hpp"
#include "agent/steer/slot_state.hpp"
#include "fake_flow_table.hpp"
#include "tests/bpf/sandbox.hpp"

namespace sluice::steer {
namespace {

constexpr std::string_view kRequest = "GET / HTTP/1.1\r\n\r\n";
constexpr std::uint32_t kClientNext = 0xfffffffa;  // wraps inside the request
constexpr std::uint32_t kClientAck = 5'000;

class ReclaimerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::can_use_kernel()) GTEST_SKIP() << "needs root to restore sockets";
    sandbox_ = std::make_unique<test::Sandbox>();
    clock_.advance(std::chrono::hours(1));
    auto shares = divide_slots(flows_.slots(), divide_ports(15000, 15003, 1));
    set_ = std::make_unique<SteeredSet>(KeepOptions{}, clock_, flows_, shares[0], ports_,
                                        [](const SteeredSet::Gone&) {});
    make_reclaimer(0);
  }
  void make_reclaimer(std::uint32_t descriptors) {
    reclaimer_ = std::make_unique<Reclaimer>(
        clock_, flows_, *set_, descriptors,
        [this](proxy::Returned connection) { returned_.push_back(std::move(connection)); });
  }

  // A connection at a boundary, of a client 127.0.0.2 that asked 127.0.0.1 and was given to a pod 127.0.0.3.
  proxy::CarriedId steer() {
    const std::uint32_t index = set_->take_slot().value();
    lb_slot& s = slot(index);
    const auto pod = *SocketAddress::parse("127.0.0.3:8080");
    const auto port = ports_.take(pod, clock_.now()).value();
    s = {};
    s.client = datapath::make_tuple(
        {*IpAddress::parse("127.0.0.2"), static_cast<std::uint16_t>(40000 + index)},
        *SocketAddress::parse("127.0.0.1:80"));
    s.pod = datapath::make_tuple(pod, {*IpAddress::parse("127.0.0.1"), port});
    s.generation = 3;
    s.seq_delta = 100;
    s.ack_delta = 200;
    s.track[LB_TO_POD] = {kClientNext, kClientAck, 400, 0, 0, 0};
    s.track[LB_TO_CLIENT] = {kClientAck + 200, kClientNext + 100, 500, 0, 0, 0};
    s.last_direction = LB_TO_CLIENT;
    s.turns = 3;
    s.client_mss = s.pod_mss = 1460;
    s.client_has_wscale = s.pod_has_wscale = s.client_has_sack = s.pod_has_sack = 1;
    s.client_wscale_send = s.client_wscale_receive = s.pod_wscale_send = s.pod_wscale_receive = 7;
    s.client_ifindex = 9;
    touch(s);
    set_state(s, LB_SLOT_NORMAL);
    SteeredSet::Entry entry;
    entry.cluster = "c";
    entry.requests_before = 2;
    set_->add(index, std::move(entry));
    return {index, s.generation};
  }
  void touch(lb_slot& s) {
    s.last_seen = static_cast<std::uint32_t>(clock_.now().time_since_epoch().count() >> 20);
  }
  lb_slot& slot(std::uint32_t index) { return flows_.slots()[index]; }
  lb_slot& slot(proxy::CarriedId id) { return slot(id.slot); }

  static lb_event event(std::uint32_t type, proxy::CarriedId id, std::uint32_t seq) {
    lb_event e{};
    e.type = type;
    e.slot = id.slot;
    e.generation = id.generation;
    e.seq = seq;
    e.ack = kClientAck;
    e.window = 400;
    return e;
  }
  // As lb_tc does at a packet of an armed connection.
  void turn(proxy::CarriedId id) {
    ASSERT_TRUE(change_state(slot(id), LB_SLOT_ARMED, LB_SLOT_HELD));
    reclaimer_->on_event(event(LB_EVENT_TURN, id, kClientNext), kRequest);
  }
  void finish() {
    reclaimer_->finish([] {});
  }
  bool ask(proxy::CarriedId id, bool idle = false) {
    return reclaimer_->take_back(id, proxy::MoveReason::kAsked, idle);
  }
  proxy::WorkerReport report() {
    proxy::WorkerReport out;
    set_->add_to(out);
    reclaimer_->add_to(out);
    return out;
  }
  std::uint64_t failures(proxy::ReturnFailure why) {
    return report().return_failures[static_cast<std::size_t>(why)];
  }

  static std::uint32_t next_of(int fd, int queue) {
    const int on = 1;
    EXPECT_EQ(::setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof on), 0);
    EXPECT_EQ(::setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof queue), 0);
    std::uint32_t next = 0;
    socklen_t size = sizeof next;
    EXPECT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, &next, &size), 0);
    return next;
  }
  static std::string received(int fd) {
    std::string out(4096, '\0');
    const ssize_t got = ::recv(fd, out.data(), out.size(), MSG_DONTWAIT);
    out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return out;
  }
  static int option(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(fd, level, name, &value, &size), 0);
    return value;
  }

  struct Link {
    UniqueFd connected;
    UniqueFd accepted;
  };
  static Link link(const SocketAddress& to, const SocketAddress& from) {
    const auto listener = net::listen_tcp(to.ip, to.port);
    EXPECT_TRUE(listener) << listener.error().message;
    Link out{UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), {}};
    sockaddr_storage address{};
    socklen_t size = from.to_sockaddr(address);
    EXPECT_EQ(::bind(out.connected.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    size = to.to_sockaddr(address);
    EXPECT_EQ(::connect(out.connected.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    pollfd ready{listener->get(), POLLIN, 0};
    EXPECT_EQ(::poll(&ready, 1, 10'000), 1);
    out.accepted = UniqueFd(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
    return out;
  }
  struct Numbers {
    std::uint32_t send = 0;
    std::uint32_t receive = 0;
  };
  static Numbers vanish(UniqueFd socket) {
    const Numbers out{next_of(socket.get(), TCP_SEND_QUEUE), next_of(socket.get(), TCP_RECV_QUEUE)};
    net::silent_close(std::move(socket));
    return out;
  }
  // What ends the connection; 0: a FIN, -1: nothing within ten seconds.
  static int error_of(int fd) {
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, 10'000) != 1) return -1;
    char byte = 0;
    return ::recv(fd, &byte, 1, 0) < 0 ? errno : 0;
  }

  std::unique_ptr<test::Sandbox> sandbox_;
  ManualClock clock_;
  FakeFlowTable flows_;
  PortPool ports_{15000, 15003};
  std::unique_ptr<SteeredSet> set_;
  std::unique_ptr<Reclaimer> reclaimer_;
  std::vector<proxy::Returned> returned_;
};

TEST_F(ReclaimerTest, AConnectionThatStoppedAtItsNextRequestComesBackWithIt) {
  const auto id = steer();
  ASSERT_TRUE(ask(id));
  EXPECT_EQ(slot(id).state, LB_SLOT_ARMED);
  turn(id);
  finish();
  ASSERT_EQ(returned_.size(), 1U);
  proxy::Returned& back = returned_[0];
  EXPECT_EQ(back.input, kRequest);
  EXPECT_EQ(to_string(back.peer), "127.0.0.2:" + std::to_string(40000 + id.slot));
  EXPECT_EQ(to_string(back.local), "127.0.0.1:80");
  EXPECT_EQ(net::peer_address(back.client.get()), back.peer);
  EXPECT_EQ(net::local_address(back.client.get()), back.local);
  EXPECT_EQ(back.requests, 5U) << "two by the proxy, three by the kernel";
  EXPECT_EQ(to_string(net::peer_address(back.endpoint.fd.get())), "127.0.0.3:8080");
  EXPECT_EQ(net::local_address(back.endpoint.fd.get()).port, back.endpoint.port);
  EXPECT_EQ(ports_.in_use(), 1U) << "the port goes with the endpoint's end";
  EXPECT_EQ(slot(id).state, LB_SLOT_ENDED);
  EXPECT_EQ(flows_.removals, 1);
  EXPECT_EQ(report().returned_at_turn, 1U);
  EXPECT_EQ(next_of(back.client.get(), TCP_SEND_QUEUE), kClientAck);
  EXPECT_EQ(next_of(back.client.get(), TCP_RECV_QUEUE),
            static_cast<std::uint32_t>(kClientNext + kRequest.size()));
  EXPECT_EQ(next_of(back.endpoint.fd.get(), TCP_SEND_QUEUE), kClientNext + 100);
  EXPECT_EQ(next_of(back.endpoint.fd.get(), TCP_RECV_QUEUE), kClientAck + 200);
}

TEST_F(ReclaimerTest, TheNextPromotionCountsFromTheLegThatIsWritten) {
  const auto id = steer();
  ask(id);
  turn(id);
  finish();
  ASSERT_EQ(flows_.legs.size(), 1U);
  const auto& [tuple, leg] = flows_.legs[0];
  EXPECT_EQ(datapath::source_of(tuple), returned_[0].peer);
  EXPECT_EQ(leg.local_next, kClientAck) << "nothing is sent yet";
  EXPECT_EQ(leg.remote_next, kClientNext) << "`input` is the first that is received";
  EXPECT_EQ(leg.ifindex, 9U);
  EXPECT_EQ(leg.flags, LB_LEG_CLEAN);
  EXPECT_EQ(leg.mss, 1460) << "the restored socket says 12 less";
}

TEST_F(ReclaimerTest, ARestoredSocketIsLikeAnyOther) {
  const auto id = steer();
  ask(id);
  turn(id);
  finish();
  for (const int fd : {returned_.at(0).client.get(), returned_.at(0).endpoint.fd.get()}) {
    EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_REPAIR), 0);
    EXPECT_EQ(option(fd, SOL_SOCKET, SO_REUSEADDR), 1) << "leaving repair mode takes it away";
    EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  }
}

TEST_F(ReclaimerTest, WhatTheClientSendsMeanwhileIsThereOnce) {
  const auto id = steer();
  ask(id);
  turn(id);
  const auto behind = static_cast<std::uint32_t>(kClientNext + kRequest.size());
  reclaimer_->on_event(event(LB_EVENT_DATA, id, behind), "more");  // before the restore: input
  reclaimer_->on_event(event(LB_EVENT_DATA, id, kClientNext), kRequest);  // repeated: known
  reclaimer_->on_event(event(LB_EVENT_DATA, id, behind + 100), "gap");    // comes again
  bool first = true;
  reclaimer_->finish([&] {
    if (!std::exchange(first, false)) return;
    reclaimer_->on_event(event(LB_EVENT_DATA, id, behind + 2), "re and later");  // to the socket
    reclaimer_->on_event(event(LB_EVENT_DATA, id, behind + 2), "re and later");
  });
  // Once the wire reaches the socket, nothing is added any more.
  reclaimer_->on_event(event(LB_EVENT_DATA, id, behind + 14), "too late");
  finish();
  ASSERT_EQ(returned_.size(), 1U);
  EXPECT_EQ(returned_[0].input, std::string(kRequest) + "more");
  EXPECT_EQ(received(returned_[0].client.get()), " and later");
}

TEST_F(ReclaimerTest, AllEventsAreReadBeforeAnyConnectionIsServed) {
  const auto first = steer();
  const auto second = steer();
  ask(first);
  ask(second);
  turn(first);
  reclaimer_->finish([&, once = true]() mutable {
    if (std::exchange(once, false)) turn(second);  // it came while the first was restored
  });
  EXPECT_EQ(returned_.size(), 2U);
}

TEST_F(ReclaimerTest, EventsThatAnEarlierAgentLeftAreIgnored) {
  const auto id = steer();
  // The client has repeated that request meanwhile and the pod has taken it; now it is stopped at a later one.
  ask(id);
  set_state(slot(id), LB_SLOT_HELD);
  slot(id).track[LB_TO_CLIENT].ack += 500;
  reclaimer_->on_event(event(LB_EVENT_TURN, id, kClientNext), kRequest);
  finish();
  EXPECT_TRUE(returned_.empty());
}

TEST_F(ReclaimerTest, EventsOfAnotherUseOrStateAreIgnored) {
  const auto id = steer();
  reclaimer_->on_event(event(LB_EVENT_TURN, id, kClientNext), kRequest);  // NORMAL
  set_state(slot(id), LB_SLOT_HELD);
  reclaimer_->on_event(event(LB_EVENT_TURN, {id.slot, id.generation - 1}, kClientNext), kRequest);
  reclaimer_->on_event(event(LB_EVENT_DATA, id, kClientNext), kRequest);
  finish();
  EXPECT_TRUE(returned_.empty());
}

TEST_F(ReclaimerTest, AnIdleConnectionComesBackWithoutARequest) {
  const auto id = steer();
  ASSERT_TRUE(ask(id, true));
  reclaimer_->tick();
  finish();
  EXPECT_TRUE(returned_.empty()) << "a packet has just passed";
  clock_.advance(Milliseconds(20));
  reclaimer_->tick();
  finish();
  ASSERT_EQ(returned_.size(), 1U);
  EXPECT_EQ(returned_[0].input, "");
  EXPECT_EQ(report().returned_idle, 1U);
  EXPECT_LT(reclaimer_->tick().count(), 0) << "nothing is left to look at";
}

TEST_F(ReclaimerTest, AConnectionWithARequestUnderWayIsNotIdle) {
  const auto id = steer();
  slot(id).last_direction = LB_TO_POD;
  ASSERT_TRUE(ask(id, true));
  clock_.advance(std::chrono::seconds(10));
  EXPECT_GT(reclaimer_->tick().count(), 0);
  finish();
  EXPECT_TRUE(returned_.empty());
  EXPECT_EQ(slot(id).state, LB_SLOT_ARMED);
}

TEST_F(ReclaimerTest, OneThatIsOnlyToComeBackAtATurnStaysWhileIdle) {
  const auto id = steer();
  ASSERT_TRUE(ask(id, false));
  clock_.advance(std::chrono::seconds(10));
  reclaimer_->tick();
  finish();
  EXPECT_TRUE(returned_.empty());
}

TEST_F(ReclaimerTest, OneThatMayStayIsNotArmedAnyMore) {
  const auto id = steer();
  ask(id, true);
  reclaimer_->keep(id);
  EXPECT_EQ(slot(id).state, LB_SLOT_NORMAL);
  clock_.advance(Milliseconds(20));
  EXPECT_LT(reclaimer_->tick().count(), 0);
  finish();
  EXPECT_TRUE(returned_.empty());
}

TEST_F(ReclaimerTest, TunnelsAndClosingConnectionsCannotComeBack) {
  const auto id = steer();
  slot(id).tunnel = 1;
  EXPECT_FALSE(ask(id));
  slot(id).tunnel = 0;
  slot(id).fin[LB_TO_CLIENT] = 1;
  EXPECT_FALSE(ask(id));
  EXPECT_EQ(slot(id).state, LB_SLOT_NORMAL);
  EXPECT_FALSE(ask({id.slot, id.generation + 1}));
}

// An orphan of a process that was killed owns the addresses for a while.
TEST_F(ReclaimerTest, WhatCannotBeRestoredGoesOnWithTheKernelAndIsTriedAgain) {
  const auto id = steer();
  auto orphan = net::restore_tcp(endpoint_image(slot(id), {}));
  ASSERT_TRUE(orphan) << orphan.error().message;
  ask(id);
  turn(id);
  finish();
  EXPECT_TRUE(returned_.empty());
  EXPECT_EQ(slot(id).state, LB_SLOT_NORMAL) << "the client repeats its packet, to the same pod";
  EXPECT_EQ(failures(proxy::ReturnFailure::kEndpointSocket), 1U);
  EXPECT_GT(reclaimer_->tick().count(), 0);
  EXPECT_EQ(slot(id).state, LB_SLOT_NORMAL) << "not at once";
  orphan->reset();
  clock_.advance(Milliseconds(250));
  reclaimer_->tick();
  turn(id);
  finish();
  EXPECT_EQ(returned_.size(), 1U);
}

TEST_F(ReclaimerTest, ConnectionsThatComeBackLeaveTheDescriptorsThatOthersNeed) {
  make_reclaimer(4);
  const auto id = steer();
  ask(id);
  turn(id);
  finish();
  EXPECT_TRUE(returned_.empty());
  EXPECT_EQ(slot(id).state, LB_SLOT_NORMAL);
  EXPECT_EQ(failures(proxy::ReturnFailure::kNoDescriptor), 1U);
}

TEST_F(ReclaimerTest, AfterThreeFailuresItIsLeftAlone) {
  const auto id = steer();
  const auto orphan = net::restore_tcp(client_image(slot(id), {}, 0));
  ASSERT_TRUE(orphan);
  ask(id);
  for (int i = 0; i < 3; ++i) {
    clock_.advance(std::chrono::seconds(2));
    reclaimer_->tick();
    turn(id);
    finish();
  }
  EXPECT_EQ(failures(proxy::ReturnFailure::kClientSocket), 3U);
  EXPECT_EQ(failures(proxy::ReturnFailure::kGivenUp), 1U);
  clock_.advance(std::chrono::seconds(2));
  reclaimer_->tick();
  EXPECT_EQ(slot(id).state, LB_SLOT_NORMAL);
  EXPECT_FALSE(ask(id));
}

TEST_F(ReclaimerTest, ASilentSocketLeavesNoTraceWhenItsProcessDies) {
  const auto id = steer();
  for (int i = 0; i < 3; ++i) {
    // Destroyed without go_live(): as by the death of the process.
    EXPECT_TRUE(net::restore_tcp(client_image(slot(id), {}, 0)));
  }
}

TEST_F(ReclaimerTest, AConnectionThatIsCutGivesSlotAndPortBack) {
  const auto id = steer();
  slot(id).last_direction = LB_TO_POD;  // also in the middle of a request
  reclaimer_->cut(id);
  EXPECT_EQ(slot(id).state, LB_SLOT_ENDED);
  EXPECT_EQ(flows_.removals, 1);
  EXPECT_EQ(ports_.in_use(), 0U);
  EXPECT_EQ(report().steered_cut, 1U);
  EXPECT_TRUE(net::restore_tcp(client_image(slot(id), {}, 0))) << "no socket of it is left";
}

// Both sockets, all system calls but those of the maps. The median, for the machine may be busy with others.
TEST_F(ReclaimerTest, AReturnCostsLessThanSixtyMicroseconds) {
  std::vector<std::chrono::nanoseconds> costs;
  for (int i = 0; i < 501; ++i) {
    clock_.advance(std::chrono::seconds(1));
    set_->tick();
    const auto id = steer();
    ask(id);
    turn(id);
    const auto began = std::chrono::steady_clock::now();
    finish();
    costs.push_back(std::chrono::steady_clock::now() - began);
    ASSERT_EQ(returned_.size(), 1U);
    ports_.release(returned_[0].endpoint.remote, returned_[0].endpoint.port, clock_.now(),
                   Milliseconds(0));
    net::silent_close(std::move(returned_[0].client));
    net::silent_close(std::move(returned_[0].endpoint.fd));
    returned_.clear();
  }
  const auto middle = costs.begin() + 250;
  std::nth_element(costs.begin(), middle, costs.end());
  std::printf("a return: %.1f us\n", static_cast<double>(middle->count()) / 1e3);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(*middle, std::chrono::microseconds(60));
#endif
}

// Both sides are real here: the agent's ends of their connections vanish without a packet, as by a promotion.
TEST_F(ReclaimerTest, BothSidesOfAConnectionThatIsCutAreReset) {
  ASSERT_TRUE(test::Sandbox::run("sysctl -qw net.ipv4.tcp_timestamps=0"));
  const auto id = steer();
  lb_slot& s = slot(id);
  Link client = link(datapath::destination_of(s.client), datapath::source_of(s.client));
  Link pod = link(datapath::source_of(s.pod), datapath::destination_of(s.pod));
  const Numbers to_client = vanish(std::move(client.accepted));
  const Numbers to_pod = vanish(std::move(pod.connected));
  // The client has asked for something (7 bytes) and has no answer yet.
  s.track[LB_TO_POD] = {to_client.receive + 7, to_client.send, 400, 0, 0, 0};
  s.track[LB_TO_CLIENT] = {to_pod.receive, to_pod.send + 7, 400, 0, 0, 0};
  s.seq_delta = to_pod.send - to_client.receive;
  s.ack_delta = to_pod.receive - to_client.send;
  s.last_direction = LB_TO_POD;
  reclaimer_->cut(id);
  EXPECT_EQ(error_of(client.connected.get()), ECONNRESET);
  // To the pod the RST lies ahead of what it has got: it asks back, and the stack answers.
  EXPECT_EQ(error_of(pod.accepted.get()), ECONNRESET);
}

TEST_F(ReclaimerTest, RequestsToComeBackAreCountedOnceByTheirFirstReason) {
  const auto id = steer();
  reclaimer_->take_back(id, proxy::MoveReason::kConfig, false);
  reclaimer_->take_back(id, proxy::MoveReason::kShare, false);
  const auto asked = report().moves_asked;
  EXPECT_EQ(asked[static_cast<std::size_t>(proxy::MoveReason::kConfig)], 1U);
  EXPECT_EQ(asked[static_cast<std::size_t>(proxy::MoveReason::kShare)], 0U);
  turn(id);
  finish();
  EXPECT_EQ(returned_.at(0).reason, proxy::MoveReason::kConfig);
}

}  // namespace
}  // namespace sluice::steer
