// SPDX-License-Identifier: Apache-2.0
// The worker itself: draining, limits, descriptors running out, listening sockets that come and go.
#include <sys/resource.h>

#include "tests/integration/proxy/proxy_fixture.hpp"

namespace sluice::proxy::testing {
namespace {

using LifecycleTest = ProxyTest;

TEST_F(LifecycleTest, StopLetsRequestsFinishAndAnswersIdleConnectionsOnceMore) {
  std::atomic<bool> go{false};
  ScriptedUpstream upstream([&](Peer& peer) {
    while (peer.read_message()) {
      while (!go) std::this_thread::yield();
      peer.send(ok("late"));
    }
  });
  start(upstream);
  Peer waiting = client();  // to be accepted, and then told
  Peer idle = client();
  Peer busy = client();
  ASSERT_TRUE(busy.send(kGet));
  ASSERT_TRUE(eventually(
      [](const WorkerReport& r) { return r.requests == 1 && r.connections_accepted == 3; }));
  worker_->drain(Milliseconds(10'000));
  ASSERT_TRUE(eventually([&](const WorkerReport&) { return client().fd() < 0; }));
  go = true;
  // A request that was on its way when the drain began is answered, and is the last.
  ASSERT_TRUE(idle.send(kGet));
  const auto last = idle.read_message();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->field("Connection"), "close");
  EXPECT_TRUE(idle.at_end());
  waiting.close();
  const auto answer = busy.read_message();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "late");
  EXPECT_EQ(answer->field("Connection"), "close");
  EXPECT_TRUE(busy.at_end());
  worker_->stop(Milliseconds(0));
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
  ASSERT_TRUE(eventually([&](const WorkerReport&) { return client().fd() < 0; }));  // it began
  go = true;  // not reached while a drain waits for the request
  idle.close();
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

TEST_F(LifecycleTest, IdleConnectionsEndWithinThreeQuartersOfTheGrace) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("x"); }));
  start(upstream);
  Peer idle = client();
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.connections_open == 1; }));
  const TimePoint begin = clock_.now();
  worker_->drain(Milliseconds(400));
  EXPECT_TRUE(idle.at_end());
  EXPECT_TRUE(idle.ended_cleanly());
  EXPECT_GE(clock_.now() - begin, Milliseconds(100));
  worker_->stop(Milliseconds(0));
}

TEST_F(LifecycleTest, WhoWaitsToBeAcceptedIsServedWhenADrainBegins) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("x"); }));
  start(upstream);
  std::vector<Peer> peers;
  std::atomic<bool> connected{false};
  // Keeps the worker's thread busy while the clients connect, so that they wait in the listening socket's queue.
  auto blocked = Worker::SteeringFactory([&](net::Reactor&) -> std::unique_ptr<Steering> {
    while (!connected) std::this_thread::yield();
    return nullptr;
  });
  auto second = Worker::create(options_, clock_, blocked);
  ASSERT_TRUE(second);
  auto socket = make_listening_socket(IpAddress::parse("127.0.0.1"), 0);
  ASSERT_TRUE(socket);
  world_.port = net::local_address(socket->get()).port;
  const SocketAddress address = net::local_address(socket->get());
  (*second)->start();
  (*second)->publish(make_snapshot(world_));
  (*second)->add_listening_socket(std::move(*socket));
  (*second)->drain(Milliseconds(10'000));
  for (int i = 0; i < 5; ++i) {
    peers.push_back(Peer::connect(address));
    ASSERT_TRUE(peers.back().send(kGet));
  }
  connected = true;
  for (Peer& peer : peers) {
    const auto answer = peer.read_message();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->field("Connection"), "close");
  }
  (*second)->stop(Milliseconds(0));
}

TEST_F(LifecycleTest, AListenersOwnConnectionLimitHolds) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("x"); }));
  world_.max_connections = 2;
  start(upstream);
  Peer first = client();
  Peer second = client();
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.connections_open == 2; }));
  Peer third = client();
  EXPECT_TRUE(third.at_end());
  EXPECT_EQ(count(Ending::kListenerLimit), 1U);
  EXPECT_EQ(count(Ending::kOverload), 0U);
  ASSERT_TRUE(first.send(kGet));
  EXPECT_TRUE(first.read_message());
  second.close();
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.connections_open == 1; }));
  EXPECT_TRUE(ask(kGet));
}

TEST_F(LifecycleTest, AListenersLimitCountsTheConnectionsOfAllWorkers) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("x"); }));
  world_.max_connections = 1;
  options_.listener_loads = std::make_shared<ListenerLoads>();
  start(upstream);
  const auto place = ListenerPlace::take(
      options_.listener_loads->get("0.0.0.0:" + std::to_string(world_.port)), 1);
  ASSERT_TRUE(place);  // as another worker takes it
  Peer peer = client();
  EXPECT_TRUE(peer.at_end());
  EXPECT_EQ(count(Ending::kListenerLimit), 1U);
}

TEST_F(LifecycleTest, SomeDescriptorsAreNotForClients) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("x"); }));
  const UniqueFd next(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  options_.client_descriptors = static_cast<std::uint32_t>(next.get()) + 40;
  start(upstream);
  std::vector<Peer> flood;
  ASSERT_TRUE(eventually([&](const WorkerReport& r) {
    flood.push_back(client());
    return r.endings[static_cast<std::size_t>(Ending::kOverload)] > 0;
  }));
  // Who is in is served: there is a descriptor for the upstream.
  ASSERT_TRUE(flood.front().send(kGet));
  EXPECT_TRUE(flood.front().read_message());
  EXPECT_LT(flood.size(), 60U);
}

// Threads of the test keep many slow clients open; the good one must not notice.
TEST_F(LifecycleTest, SlowClientsDoNotKeepAGoodOneOutAndEndInTime) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("x"); }));
  options_.head_timeout = Milliseconds(300);
  options_.idle_timeout = Milliseconds(300);
  options_.max_connections = 150;
  start(upstream);
  std::vector<Peer> slow;
  for (int i = 0; i < 100; ++i) {
    slow.push_back(client());
    if (i % 2 == 1) continue;
    ASSERT_TRUE(slow.back().send("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "));
  }
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.connections_open == 100; }));
  ASSERT_TRUE(ask(kGet));
  // A byte now and then is no progress: the time for a head runs from its first byte on.
  ASSERT_TRUE(eventually([&](const WorkerReport& r) {
    for (Peer& peer : slow) peer.send("x");
    return r.connections_open == 0;
  }));
  EXPECT_GE(count(Ending::kHeadTimeout), 50U);
  EXPECT_EQ(report().buffer_bytes, 0U);
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

TEST_F(LifecycleTest, ClustersThatAreGoneAreForgottenInTheEnd) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("x"); }));
  ScriptedUpstream hanging([](Peer& peer) { (void)peer.read_message(), (void)peer.at_end(); });
  world_.subsets = {{.name = "held", .endpoints = {hanging.address()}}};
  start();
  Peer peer = client();
  ASSERT_TRUE(peer.send(kGet));
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.upstreams_open == 1; }));
  std::uint64_t generation = 1;
  const auto publish = [&](const std::string& subset) {
    world_.subsets = {{.name = subset, .endpoints = {upstream.address()}}};
    worker_->publish(make_snapshot(world_, ++generation));
  };
  for (int i = 0; i < 100; ++i) publish("v" + std::to_string(i));
  const WorkerReport after = report();
  EXPECT_EQ(after.generation, 101U);
  EXPECT_EQ(after.clusters.size(), ClusterReport::kForget + 1);
  EXPECT_TRUE(after.clusters.contains(cluster_key("held")));  // a request is there
  EXPECT_EQ(after.clusters.at(cluster_key("v99")).unused_for, 0U);
  EXPECT_EQ(after.clusters.at(cluster_key("v98")).unused_for, 1U);
  EXPECT_FALSE(after.clusters.contains(cluster_key("v0")));
  peer.reset();
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.upstreams_open == 0; }));
  // One that comes back in time goes on counting.
  ASSERT_TRUE(ask(kGet));
  for (int i = 0; i < 10; ++i) publish("other");
  publish("v99");
  ASSERT_TRUE(eventually([&](const WorkerReport& r) { return r.generation == generation; }));
  ASSERT_TRUE(ask(kGet));
  EXPECT_EQ(report().clusters.at(cluster_key("v99")).picks, 2U);
  for (int i = 0; i < 100; ++i) publish("v99");
  EXPECT_EQ(report().clusters.size(), 1U);
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
