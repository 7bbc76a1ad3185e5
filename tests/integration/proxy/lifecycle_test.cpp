// SPDX-License-Identifier: Apache-2.0
// The worker itself: draining, limits, descriptors running out, listening sockets that come and go.
#include <sys/resource.h>

#include "tests/integration/proxy/proxy_fixture.hpp"

namespace sluice::proxy::testing {
namespace {

using LifecycleTest = ProxyTest;

TEST_F(LifecycleTest, StopLetsARequestFinishAndClosesIdleConnections) {
  std::atomic<bool> go{false};
  ScriptedUpstream upstream([&](Peer& peer) {
    while (peer.read_message()) {
      while (!go) std::this_thread::yield();
      peer.send(ok("late"));
    }
  });
  start(upstream);
  Peer idle = client();
  Peer busy = client();
  ASSERT_TRUE(busy.send(kGet));
  ASSERT_TRUE(eventually(
      [](const WorkerReport& r) { return r.requests == 1 && r.connections_accepted == 2; }));
  std::thread stopper([&] { worker_->stop(Milliseconds(10'000)); });
  EXPECT_TRUE(idle.at_end());
  go = true;
  const auto answer = busy.read_message();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "late");
  EXPECT_EQ(answer->field("Connection"), "close");
  EXPECT_TRUE(busy.at_end());
  stopper.join();
  EXPECT_EQ(report().connections_open, 0U);
  EXPECT_EQ(report().upstreams_open, 0U);
}

TEST_F(LifecycleTest, DrainReturnsAtOnceSoThatWorkersEndTogether) {
  std::atomic<bool> go{false};
  ScriptedUpstream upstream([&](Peer& peer) {
    while (peer.read_message()) {
      while (!go) std::this_thread::yield();
      peer.send(ok("late"));
    }
  });
  start(upstream);
  Peer idle = client();
  Peer busy = client();
  ASSERT_TRUE(busy.send(kGet));
  ASSERT_TRUE(eventually(
      [](const WorkerReport& r) { return r.requests == 1 && r.connections_accepted == 2; }));
  worker_->drain(Milliseconds(10'000));
  EXPECT_TRUE(idle.at_end());  // it began
  go = true;                   // not reached while a drain waits for the request
  const auto answer = busy.read_message();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->field("Connection"), "close");
  worker_->stop(Milliseconds(0));
  EXPECT_EQ(report().connections_open, 0U);
}

TEST_F(LifecycleTest, StopDoesNotWaitLongerThanItsGrace) {
  ScriptedUpstream upstream([](Peer& peer) {
    EXPECT_TRUE(peer.read_message());
    EXPECT_TRUE(peer.at_end());
  });
  start(upstream);
  Peer busy = client();
  ASSERT_TRUE(busy.send(kGet));
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.requests == 1; }));
  worker_->stop(Milliseconds(20));
  EXPECT_TRUE(busy.at_end());
  EXPECT_EQ(report().connections_open, 0U);
  EXPECT_EQ(report().buffer_bytes, 0U);
}

TEST_F(LifecycleTest, TheConnectionLimitHolds) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("x"); }));
  options_.max_connections = 2;
  start(upstream);
  Peer first = client();
  Peer second = client();
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.connections_open == 2; }));
  Peer third = client();
  EXPECT_TRUE(third.at_end());
  EXPECT_EQ(count(Ending::kOverload), 1U);
  ASSERT_TRUE(first.send(kGet));
  EXPECT_TRUE(first.read_message());
}

TEST_F(LifecycleTest, SurvivesRunningOutOfDescriptors) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("x"); }));
  start(upstream);
  Peer peer = client();
  ASSERT_TRUE(peer.send(kGet));
  ASSERT_TRUE(peer.read_message());
  // The client's socket exists before the limit falls; accepting it is what fails.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  UniqueFd raw(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  rlimit low = before;
  low.rlim_cur = static_cast<rlim_t>(raw.get()) + 1;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  sockaddr_storage storage{};
  const socklen_t size = address_.to_sockaddr(storage);
  ASSERT_EQ(connect(raw.get(), reinterpret_cast<sockaddr*>(&storage), size), 0);
  Peer waiting(std::move(raw));
  EXPECT_TRUE(eventually([](const WorkerReport& r) {
    return r.endings[static_cast<std::size_t>(Ending::kOverload)] > 0;
  }));
  ASSERT_TRUE(peer.send(kGet));  // those who are in are served
  EXPECT_TRUE(peer.read_message());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_TRUE(waiting.send(kGet));
  const auto answer = waiting.read_message();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
}

TEST_F(LifecycleTest, ARemovedListeningSocketAcceptsNoMoreButItsConnectionsStay) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("x"); }));
  start(upstream);
  Peer peer = client();
  ASSERT_TRUE(peer.send(kGet));
  ASSERT_TRUE(peer.read_message());
  worker_->remove_listening_socket(address_);
  EXPECT_TRUE(eventually([&](const WorkerReport&) { return client().fd() < 0; }));
  ASSERT_TRUE(peer.send(kGet));
  EXPECT_TRUE(peer.read_message());
}

TEST_F(LifecycleTest, IdleUpstreamConnectionsExpire) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("x"); }));
  options_.upstream_idle_timeout = Milliseconds(20);
  start(upstream);
  ASSERT_TRUE(ask(kGet));
  EXPECT_TRUE(eventually([](const WorkerReport& r) { return r.upstreams_open == 0; }));
  EXPECT_TRUE(ask(kGet));
}

}  // namespace
}  // namespace sluice::proxy::testing
