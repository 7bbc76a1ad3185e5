// SPDX-License-Identifier: Apache-2.0
// What the proxy gives to steering, and what it does with each outcome. Steering itself is a fake that records.
#include <sys/socket.h>

#include <condition_variable>
#include <mutex>

#include "tests/integration/proxy/proxy_fixture.hpp"

namespace sluice::proxy::testing {
namespace {

// What one call of promote() was given; the views copied.
struct Seen {
  Promotion promotion;
  std::string request, cluster;
};

// Shared by the test and the fake, which lives in the worker's thread.
struct Script {
  std::mutex mutex;
  std::vector<Seen> promotions;
  std::vector<PromoteResult> outcomes;  // in order; then kPromoted
  std::vector<std::uint64_t> finished;
  std::string listener;        // the last name that a number was asked for
  std::vector<UniqueFd> kept;  // promoted sockets: client, upstream, ...
  std::atomic<std::uint64_t> wanted_at{1};
  std::atomic<std::uint16_t> mss{0};
  std::atomic<bool> ports{true};
  std::atomic<int> open{0};
  std::atomic<std::uint16_t> last_mss{0};
};

class FakeSteering final : public Steering {
 public:
  explicit FakeSteering(std::shared_ptr<Script> script) : script_(std::move(script)) {}

  std::uint32_t listener_id(const std::string& name) override {
    const std::lock_guard lock(script_->mutex);
    script_->listener = name;
    return 5;
  }
  bool wants(std::uint32_t listener, const model::SteerAfter& after,
             std::uint64_t number) override {
    EXPECT_EQ(listener, 5U);
    EXPECT_EQ(after.count, 1U);
    return number >= script_->wanted_at;
  }
  void connection_finished(std::uint32_t listener, std::uint64_t requests) override {
    EXPECT_EQ(listener, 5U);
    const std::lock_guard lock(script_->mutex);
    script_->finished.push_back(requests);
  }
  Result<SteerUpstream> connect_upstream(const SocketAddress& endpoint, std::uint16_t mss,
                                         const std::optional<IpAddress>& /*client*/) override {
    if (!script_->ports) return fail(ErrorCode::kExhausted, "no port is free");
    auto fd = net::connect_tcp(endpoint);
    if (!fd) return tl::unexpected(fd.error());
    ++script_->open;
    script_->last_mss = mss;
    return SteerUpstream{std::move(*fd), 40'000, endpoint, mss};
  }
  void close_upstream(SteerUpstream upstream, bool reset) override {
    EXPECT_TRUE(upstream.fd.valid());
    EXPECT_EQ(upstream.port, 40'000);
    if (reset) net::reset_on_close(upstream.fd.get());
    --script_->open;
  }
  std::uint16_t upstream_mss_for(int client_fd, const SocketAddress& client) override {
    EXPECT_EQ(net::peer_address(client_fd), client);
    return script_->mss;
  }
  PromoteResult promote(const Promotion& promotion, UniqueFd& client,
                        SteerUpstream& upstream) override {
    EXPECT_TRUE(net::is_connected(upstream.fd.get()));
    EXPECT_EQ(net::local_address(client.get()), promotion.local);
    const std::lock_guard lock(script_->mutex);
    script_->promotions.push_back(
        {promotion, std::string(promotion.request), std::string(promotion.cluster)});
    PromoteResult result{PromoteOutcome::kPromoted, Refusal::kSystem};
    if (!script_->outcomes.empty()) {
      result = script_->outcomes.front();
      script_->outcomes.erase(script_->outcomes.begin());
    }
    if (result.outcome == PromoteOutcome::kUndone) {
      upstream.fd.reset();
      --script_->open;
    } else if (result.outcome == PromoteOutcome::kPromoted) {
      script_->kept.push_back(std::move(client));
      script_->kept.push_back(std::move(upstream.fd));
      --script_->open;
    }
    return result;
  }
  void add_to(WorkerReport& report) const override {
    report.clusters[cluster_key("v1")].steered_turns += 7;
  }

 private:
  std::shared_ptr<Script> script_;
};

class SteerTest : public ProxyTest {
 protected:
  void start_steering() {
    world_.subsets = {{.endpoints = {upstream_.address()}}};
    world_.kernel_path = true;
    start([script = script_](net::Reactor&) { return std::make_unique<FakeSteering>(script); });
  }
  [[nodiscard]] std::uint64_t refused(Refusal refusal) {
    return report().refusals[static_cast<std::size_t>(refusal)];
  }
  [[nodiscard]] std::vector<Seen> promotions() {
    const std::lock_guard lock(script_->mutex);
    return script_->promotions;
  }
  void exchange(Peer& peer, const std::string& request = kGet) {
    ASSERT_TRUE(peer.send(request));
    const auto answer = peer.read_message();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
  }
  [[nodiscard]] bool promoted(std::uint64_t times) {
    return eventually([&](const WorkerReport& r) {
      return r.clusters.at(cluster_key("v1")).promotions == times;
    });
  }

  ScriptedUpstream upstream_{answering([](const Message&) { return ok("hello"); })};
  std::shared_ptr<Script> script_ = std::make_shared<Script>();
};

TEST_F(SteerTest, TheFirstRequestIsHandedOverAsItCame) {
  start_steering();
  Peer peer = client();
  const std::string request =
      "POST /x?y HTTP/1.1\r\nhOsT:  a\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc";
  ASSERT_TRUE(peer.send(request));
  ASSERT_TRUE(promoted(1));
  const Seen seen = promotions().at(0);
  EXPECT_EQ(seen.request, request);
  EXPECT_EQ(seen.cluster, cluster_key("v1"));
  EXPECT_EQ(seen.promotion.listener, 5U);
  EXPECT_EQ(seen.promotion.client, net::local_address(peer.fd()));
  EXPECT_EQ(seen.promotion.local, address_);
  EXPECT_EQ(seen.promotion.request_number, 1U);
  EXPECT_EQ(seen.promotion.client_received, request.size());
  EXPECT_EQ(seen.promotion.client_sent, 0U);
  EXPECT_EQ(seen.promotion.upstream_sent, 0U);
  EXPECT_EQ(seen.promotion.upstream_received, 0U);
  const WorkerReport counted = report();
  EXPECT_EQ(counted.connections_open, 0U);
  EXPECT_EQ(counted.upstreams_open, 0U);
  EXPECT_EQ(counted.requests, 1U);
  EXPECT_EQ(counted.clusters.at(cluster_key("v1")).picks, 1U);
  EXPECT_EQ(counted.clusters.at(cluster_key("v1")).steered_turns, 7U);
  const std::lock_guard lock(script_->mutex);
  EXPECT_TRUE(script_->finished.empty());
  EXPECT_EQ(script_->listener, "0.0.0.0:" + std::to_string(address_.port));
  // The sockets live on in other hands: closing nothing was the proxy's part.
  Peer kept(std::move(script_->kept.at(0)));
  ASSERT_TRUE(kept.send("still open"));
  EXPECT_EQ(peer.read_exactly(10), "still open");
}

TEST_F(SteerTest, ByteCountsIncludeAllThatWentBefore) {
  script_->wanted_at = 4;
  start_steering();
  Peer peer = client();
  const std::string post =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  exchange(peer);
  exchange(peer, post);
  exchange(peer);
  ASSERT_TRUE(peer.send(kGet));
  ASSERT_TRUE(promoted(1));
  const Promotion seen = promotions().at(0).promotion;
  EXPECT_EQ(seen.request_number, 4U);
  EXPECT_EQ(seen.client_received, 3 * kGet.size() + post.size());
  EXPECT_EQ(seen.client_sent, 3 * ok("hello").size());
  EXPECT_EQ(seen.upstream_received, 3 * ok("hello").size());
  EXPECT_GT(seen.upstream_sent, 3 * kGet.size());
  EXPECT_EQ(upstream_.connections(), 1);  // the kept connection was promotable
}

// A server may close a connection that has been idle for some seconds; a promoted request could not be sent again.
TEST_F(SteerTest, AConnectionThatWasIdleForLongIsNotPromoted) {
  script_->wanted_at = 2;
  start_steering();
  Peer peer = client();
  exchange(peer);
  std::this_thread::sleep_for(Milliseconds(3'200));  // the proxy's clock is the real one
  ASSERT_TRUE(peer.send(kGet));
  ASSERT_TRUE(promoted(1));
  EXPECT_EQ(promotions().at(0).promotion.upstream_sent, 0U) << "a fresh one";
}

TEST_F(SteerTest, ARefusedPromotionIsServedOnTheSameConnection) {
  script_->outcomes = {{PromoteOutcome::kRefused, Refusal::kClientUnacked},
                       {PromoteOutcome::kRefused, Refusal::kNoRoom}};
  start_steering();
  Peer peer = client();
  exchange(peer);
  exchange(peer);
  EXPECT_EQ(refused(Refusal::kClientUnacked), 1U);
  EXPECT_EQ(refused(Refusal::kNoRoom), 1U);
  EXPECT_EQ(upstream_.connections(), 1);
  ASSERT_TRUE(peer.send(kGet));
  EXPECT_TRUE(promoted(1));
  EXPECT_EQ(promotions().at(2).promotion.client_sent, 2 * ok("hello").size());
}

TEST_F(SteerTest, AnUndonePromotionTakesAnotherUpstream) {
  script_->outcomes = {{PromoteOutcome::kUndone, Refusal::kRace}};
  start_steering();
  Peer peer = client();
  exchange(peer);
  EXPECT_EQ(refused(Refusal::kRace), 1U);
  EXPECT_EQ(upstream_.connections(), 2);
}

TEST_F(SteerTest, UnsuitedRequestsStayWithTheProxyAndAreCounted) {
  start_steering();
  const std::string big = "X-Big: " + std::string(9000, 'x') + "\r\n";
  Peer peer = client();
  exchange(peer, "GET / HTTP/1.1\r\nHost: a\r\n" + big + "\r\n");
  EXPECT_EQ(refused(Refusal::kRequestIncomplete), 1U);
  exchange(peer, "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_EQ(refused(Refusal::kRequestUnsuited), 1U);
  exchange(peer, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(refused(Refusal::kRequestUnsuited), 2U);
  ASSERT_TRUE(ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_EQ(refused(Refusal::kRequestUnsuited), 3U);
  peer = client();
  exchange(peer, "GET / HTTP/1.1\r\nHost: a\r\nConnection: TE\r\nTE: trailers\r\n\r\n");
  EXPECT_EQ(refused(Refusal::kRequestUnsuited), 4U);
  exchange(peer, "GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Secret\r\nX-Secret: 1\r\n\r\n");
  EXPECT_EQ(refused(Refusal::kRequestUnsuited), 5U);
  exchange(peer, "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n");
  EXPECT_EQ(refused(Refusal::kRequestUnsuited), 6U);
  Peer slow = client();
  ASSERT_TRUE(slow.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na"));
  EXPECT_TRUE(eventually([](const WorkerReport& r) {
    return r.refusals[static_cast<std::size_t>(Refusal::kRequestIncomplete)] == 2;
  }));
  EXPECT_TRUE(promotions().empty());
}

// Accepts nobody: its queue is full, so that connecting to it takes for ever, or a second once there is room.
class FullListener {
 public:
  FullListener() {
    auto socket = make_listening_socket(IpAddress::parse("127.0.0.1"), 0);
    fd_ = std::move(*socket);
    listen(fd_.get(), 0);
    address_ = net::local_address(fd_.get());
    filler_ = Peer::connect(address_);
  }
  [[nodiscard]] const SocketAddress& address() const { return address_; }
  [[nodiscard]] Peer accept_one() {
    UniqueFd fd;
    while (!fd) {
      fd.reset(accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      std::this_thread::yield();
    }
    return Peer(std::move(fd));
  }

 private:
  UniqueFd fd_;
  SocketAddress address_;
  std::optional<Peer> filler_;
};

TEST_F(SteerTest, AnEndpointThatCannotBeReachedIsLeftForAnother) {
  FullListener unreachable;
  world_.subsets = {{.endpoints = {unreachable.address(), upstream_.address()}}};
  world_.kernel_path = true;
  options_.connect_timeout = Milliseconds(50);
  script_->outcomes = std::vector<PromoteResult>(10, {PromoteOutcome::kRefused, Refusal::kMss});
  start([script = script_](net::Reactor&) { return std::make_unique<FakeSteering>(script); });
  for (int i = 0; i < 4; ++i) {
    Peer peer = client();
    exchange(peer);
  }
}

TEST_F(SteerTest, AConnectionIsNotHandedOverByTheConfigurationBefore) {
  FullListener slow;
  world_.subsets = {{.endpoints = {slow.address()}}};
  world_.kernel_path = true;
  start([script = script_](net::Reactor&) { return std::make_unique<FakeSteering>(script); });
  Peer peer = client();
  ASSERT_TRUE(peer.send(kGet));
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.upstreams_open == 1; }));
  world_.subsets = {{.endpoints = {upstream_.address()}}};
  worker_->publish(make_snapshot(world_, 2));
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.generation == 2; }));
  Peer filler = slow.accept_one();
  Peer endpoint = slow.accept_one();
  ASSERT_TRUE(endpoint.read_message());
  ASSERT_TRUE(endpoint.send(ok("old")));
  const auto answer = peer.read_message();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "old");
  EXPECT_EQ(refused(Refusal::kConfigChanged), 1U);
  EXPECT_TRUE(promotions().empty());
}

TEST_F(SteerTest, AClientThatPipelinedIsNeverHandedOver) {
  start_steering();
  Peer peer = client();
  ASSERT_TRUE(peer.send(kGet + kGet));
  ASSERT_TRUE(peer.read_message());
  ASSERT_TRUE(peer.read_message());
  exchange(peer);
  EXPECT_EQ(refused(Refusal::kPipelined), 3U);
  EXPECT_TRUE(promotions().empty());
}

TEST_F(SteerTest, WithoutAFreePortTheProxyServes) {
  script_->ports = false;
  start_steering();
  Peer peer = client();
  exchange(peer);
  EXPECT_EQ(refused(Refusal::kNoPort), 1U);
  EXPECT_TRUE(promotions().empty());
}

TEST_F(SteerTest, WithoutAFreePortIdleOrdinaryConnectionsAreUsed) {
  script_->ports = false;
  start_steering();
  Peer peer = client();
  for (int i = 0; i < 5; ++i) exchange(peer);
  EXPECT_EQ(upstream_.connections(), 1);
}

TEST_F(SteerTest, AConnectionThatIsRefusedAgainAndAgainIsAskedLessOften) {
  script_->outcomes = std::vector<PromoteResult>(100, {PromoteOutcome::kRefused, Refusal::kMss});
  start_steering();
  Peer peer = client();
  for (int i = 0; i < 300; ++i) exchange(peer);
  // At requests 1, 2, 3, 5, 9, 17, 33, 65 (then every 64): 129, 193, 257.
  EXPECT_EQ(refused(Refusal::kMss), 11U);
}

TEST_F(SteerTest, AClientWithASmallSegmentSizeGetsAConnectionOfItsOwn) {
  script_->wanted_at = 2;
  start_steering();
  Peer peer = client();
  exchange(peer);
  script_->mss = 536;
  ASSERT_TRUE(peer.send(kGet));
  ASSERT_TRUE(promoted(1));
  EXPECT_EQ(script_->last_mss, 536);
  EXPECT_TRUE(eventually([&](const WorkerReport&) { return upstream_.connections() == 2; }));
}

TEST_F(SteerTest, ConnectionsThatStayAreReportedWithTheirRequests) {
  script_->wanted_at = 100;
  start_steering();
  Peer peer = client();
  for (int i = 0; i < 3; ++i) exchange(peer);
  peer.close();
  EXPECT_TRUE(eventually([](const WorkerReport& r) { return r.connections_open == 0; }));
  worker_->stop(Milliseconds(0));
  EXPECT_EQ(script_->finished, std::vector<std::uint64_t>{3});
  EXPECT_EQ(script_->open, 0);  // every port was given back
}

}  // namespace
}  // namespace sluice::proxy::testing
