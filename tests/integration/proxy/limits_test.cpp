// SPDX-License-Identifier: Apache-2.0
// connectionPool through the whole proxy: what is over a limit waits or is answered 503, and says why.

#include "tests/integration/proxy/policy_fixture.hpp"

namespace sluice::proxy::testing {
namespace {

class LimitsTest : public PolicyTest {
 protected:
  LimitsTest() { options_.registry = registry_; }
  // One endpoint whose requests wait for gate_.
  model::ConnectionPool& gated() {
    upstreams_.emplace_back(answering([this](const Message&) {
      gate_.pass();
      return ok("passed");
    }));
    return subset().policy.connection_pool;
  }
  std::uint64_t overflows(health::Overflow kind) {
    return registry_->views().at(0).overflows[static_cast<std::size_t>(kind)];
  }
  bool waiting(std::uint32_t requests) {
    return eventually([&](const auto&) { return registry_->views().at(0).pending == requests; });
  }
  static void expect_overflow(const std::optional<Message>& answer) {
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 503);
    EXPECT_EQ(answer->field("X-Sluice-Reason"), "upstream_overflow");
  }

  const std::shared_ptr<health::Registry> registry_ = std::make_shared<health::Registry>(clock_);
  Gate gate_;
};

TEST_F(LimitsTest, RequestsInFlight) {
  gated().max_requests = 2;
  start();
  Peer first = client();
  Peer second = client();
  ASSERT_TRUE(first.send(kGet));
  ASSERT_TRUE(second.send(kGet));
  ASSERT_TRUE(gate_.wait_for(2));
  expect_overflow(ask(kGet));
  EXPECT_EQ(overflows(health::Overflow::kRequests), 1U);
  EXPECT_EQ(count(Ending::kOverflow), 1U);
  gate_.open();
  EXPECT_EQ(first.read_message()->body, "passed");
  EXPECT_EQ(second.read_message()->body, "passed");
  EXPECT_EQ(who(), "passed");
}

TEST_F(LimitsTest, WithAllConnectionsBusyARequestWaitsItsTurn) {
  auto& pool = gated();
  pool.max_connections = 1;
  start();
  Peer first = client();
  Peer second = client();
  Peer third = client();
  ASSERT_TRUE(first.send(kGet));
  ASSERT_TRUE(gate_.wait_for(1));
  ASSERT_TRUE(second.send(kGet));
  ASSERT_TRUE(third.send(kGet));
  EXPECT_TRUE(
      eventually([&](const auto&) { return overflows(health::Overflow::kConnections) >= 2; }));
  gate_.open();
  EXPECT_EQ(first.read_message()->body, "passed");
  EXPECT_EQ(second.read_message()->body, "passed");
  EXPECT_EQ(third.read_message()->body, "passed");
  EXPECT_EQ(upstreams_[0].connections(), 1);
}

TEST_F(LimitsTest, OnlySoManyMayWait) {
  auto& pool = gated();
  pool.max_connections = 1;
  pool.max_pending_requests = 1;
  start();
  Peer first = client();
  Peer second = client();
  ASSERT_TRUE(first.send(kGet));
  ASSERT_TRUE(gate_.wait_for(1));
  ASSERT_TRUE(waiting(0));  // it has its connection
  ASSERT_TRUE(second.send(kGet));
  ASSERT_TRUE(waiting(1));
  expect_overflow(ask(kGet));
  EXPECT_EQ(overflows(health::Overflow::kPending), 1U);
  gate_.open();
  EXPECT_EQ(first.read_message()->body, "passed");
  EXPECT_EQ(second.read_message()->body, "passed");
}

TEST_F(LimitsTest, AClientThatLeavesTheLineDoesNotHoldItUp) {
  auto& pool = gated();
  pool.max_connections = 1;
  pool.max_pending_requests = 5;
  start();
  Peer first = client();
  ASSERT_TRUE(first.send(kGet));
  ASSERT_TRUE(gate_.wait_for(1));
  Peer leaves = client();
  ASSERT_TRUE(leaves.send(kGet));
  ASSERT_TRUE(waiting(1));
  Peer stays = client();
  ASSERT_TRUE(stays.send(kGet));
  ASSERT_TRUE(waiting(2));
  leaves.reset();
  ASSERT_TRUE(waiting(1));
  gate_.open();
  EXPECT_EQ(first.read_message()->body, "passed");
  EXPECT_EQ(stays.read_message()->body, "passed");
}

TEST_F(LimitsTest, AnIdleConnectionOfAnotherWorkerIsGivenUp) {
  start_endpoints(1);
  subset().policy.connection_pool.max_connections = 1;
  start();
  EXPECT_EQ(who(), "0");  // its connection stays idle in the first worker
  auto socket = make_listening_socket(IpAddress::parse("127.0.0.1"), 0);
  ASSERT_TRUE(socket);
  const SocketAddress other = net::local_address(socket->get());
  WorldOptions world = world_;
  world.port = other.port;
  WorkerOptions options = options_;
  options.index = 1;
  auto worker = Worker::create(options, clock_, nullptr);
  ASSERT_TRUE(worker);
  (*worker)->start();
  (*worker)->publish(make_snapshot(world));
  (*worker)->add_listening_socket(std::move(*socket));
  Peer peer = Peer::connect(other);
  ASSERT_TRUE(peer.send(kGet));
  const auto answer = peer.read_message();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "0");
  EXPECT_EQ(who(), "0");  // and back
  (*worker)->stop(Milliseconds(0));
}

TEST_F(LimitsTest, ConnectionsServeAsManyRequestsAsTheyMay) {
  start_endpoints(1);
  subset().policy.connection_pool.max_requests_per_connection = 2;
  start();
  for (int i = 0; i < 6; ++i) EXPECT_EQ(who(), "0");
  EXPECT_EQ(upstreams_[0].connections(), 3);
}

TEST_F(LimitsTest, ConnectionsDoNotOutliveTheirDuration) {
  start_endpoints(1);
  subset().policy.connection_pool.max_connection_duration = Milliseconds(1);
  start();
  EXPECT_EQ(who(), "0");
  const TimePoint later = clock_.now() + Milliseconds(3);
  while (clock_.now() < later) std::this_thread::yield();
  EXPECT_EQ(who(), "0");
  EXPECT_EQ(upstreams_[0].connections(), 2);
}

TEST_F(LimitsTest, IdleConnectionsCloseAfterThePolicysTime) {
  start_endpoints(1);
  options_.upstream_idle_timeout = Milliseconds(4000);  // how often is looked
  subset().policy.connection_pool.http_idle_timeout = Milliseconds(10);
  start();
  EXPECT_EQ(who(), "0");
  EXPECT_TRUE(eventually([](const auto& report) { return report.upstreams_open == 0; }));
}

TEST_F(LimitsTest, ConnectionsOfAnEndpointAreCountedIdleOrNot) {
  gated();
  start();
  Peer peer = client();
  ASSERT_TRUE(peer.send(kGet));
  ASSERT_TRUE(gate_.wait_for(1));
  const auto endpoint = [this] { return registry_->views().at(0).endpoints.at(0); };
  EXPECT_EQ(endpoint().connections, 1U);
  EXPECT_EQ(endpoint().in_flight, 1U);
  gate_.open();
  EXPECT_TRUE(peer.read_message());
  EXPECT_TRUE(eventually([&](const auto&) { return endpoint().in_flight == 0; }));
  EXPECT_EQ(endpoint().connections, 1U);
  worker_->stop(Milliseconds(0));
  EXPECT_TRUE(registry_->views().empty() || endpoint().connections == 0);
}

// Under a sanitizer: the connection is the last that holds the records it counts in.
TEST_F(LimitsTest, AConnectionMayOutliveItsCluster) {
  gated().max_connections = 1;
  start();
  Peer peer = client();
  ASSERT_TRUE(peer.send(kGet));
  ASSERT_TRUE(gate_.wait_for(1));
  world_.subsets[0].name = "other";
  world_.subsets[0].endpoints.clear();
  publish(2);
  gate_.open();
  EXPECT_EQ(peer.read_message()->body, "passed");
  EXPECT_TRUE(eventually([](const auto& report) { return report.upstreams_open == 0; }));
}

TEST_F(LimitsTest, ALimitIsOneForTwoRoutesToTheSameCluster) {
  gated().max_requests = 1;
  start();
  Peer first = client();
  ASSERT_TRUE(first.send(kGet));
  ASSERT_TRUE(gate_.wait_for(1));
  world_.path_prefix = "/";  // another route object, another generation
  publish(2);
  expect_overflow(ask(kGet));
  gate_.open();
  EXPECT_TRUE(first.read_message());
}

}  // namespace
}  // namespace sluice::proxy::testing
