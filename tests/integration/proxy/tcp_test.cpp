// SPDX-License-Identifier: Apache-2.0
// TCP listeners: bytes, ends of file and resets pass both ways; endpoints that are down, limits and timeouts.
#include <sys/socket.h>

#include <algorithm>
#include <random>

#include "agent/net/proxy_protocol.hpp"
#include "tests/integration/proxy/proxy_fixture.hpp"

namespace sluice::proxy::testing {
namespace {

// Pseudo-random, so that a byte that is lost, doubled or swapped shows.
std::string noise(std::size_t size, std::uint32_t seed) {
  std::string out(size, '\0');
  std::minstd_rand random(seed);
  for (char& byte : out) byte = static_cast<char>(random());
  return out;
}

// Sends back what it reads, until the end of file, and then its own.
void echo(Peer& peer) {
  for (std::string bytes = peer.read_some(); !bytes.empty(); bytes = peer.read_some()) {
    if (!peer.send(bytes)) return;
  }
  peer.half_close();
}

// An address that refuses connections: it was bound a moment ago.
SocketAddress refusing() {
  auto socket = make_listening_socket(IpAddress::parse("127.0.0.1"), 0);
  return net::local_address(socket->get());
}

class TcpTest : public ProxyTest {
 protected:
  TcpTest() { world_.tcp = true; }
  [[nodiscard]] model::TrafficPolicy& policy() {
    auto policy = std::make_shared<model::TrafficPolicy>();
    world_.policy = policy;
    return *policy;
  }
  void expect_reset(Peer& peer, Ending ending) {
    EXPECT_EQ(peer.read_some(), "");
    EXPECT_FALSE(peer.ended_cleanly());
    EXPECT_EQ(count(ending), 1U) << label_of(ending);
    EXPECT_TRUE(eventually([](const WorkerReport& r) { return r.connections_open == 0; }));
  }
};

TEST_F(TcpTest, BytesArriveExactlyBothWaysOnManyConnections) {
  ScriptedUpstream upstream(echo);
  start(upstream);
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (std::uint32_t i = 0; i < 64; ++i) {
    threads.emplace_back([&, i] {
      Peer peer = client();
      const std::string bytes = noise(300'000 + i * 1'000, i + 1);
      std::thread sender([&] {
        peer.send(bytes);
        peer.half_close();
      });
      const std::string back = peer.read_exactly(bytes.size());
      const bool ended = peer.at_end() && peer.ended_cleanly();
      sender.join();
      if (back == bytes && ended) ++right;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 64);
  EXPECT_TRUE(eventually([](const WorkerReport& r) { return r.connections_open == 0; }));
  const WorkerReport end = report();
  EXPECT_EQ(end.tcp_connections, 64U);
  EXPECT_EQ(end.tcp_open, 0U);
  EXPECT_EQ(end.buffer_bytes, 0U);
  const ClusterReport& cluster = end.clusters.at(cluster_key("v1"));
  EXPECT_EQ(cluster.picks, 64U);
  EXPECT_EQ(cluster.tcp_bytes_in, 64U * 300'000 + 1'000 * (63 * 64 / 2));
  EXPECT_EQ(cluster.tcp_bytes_out, cluster.tcp_bytes_in);
  for (const std::uint64_t ending : end.endings) EXPECT_EQ(ending, 0U);
}

TEST_F(TcpTest, TheEndpointMaySpeakFirst) {
  ScriptedUpstream upstream([](Peer& peer) {
    peer.send("220 ready\r\n");
    EXPECT_EQ(peer.read_exactly(4), "QUIT");
  });
  start(upstream);
  Peer peer = client();
  EXPECT_EQ(peer.read_exactly(11), "220 ready\r\n");
  ASSERT_TRUE(peer.send("QUIT"));
  EXPECT_TRUE(peer.at_end());
  EXPECT_TRUE(peer.ended_cleanly());
}

TEST_F(TcpTest, AHalfCloseLeavesTheOtherWayOpen) {
  ScriptedUpstream upstream([](Peer& peer) {
    std::string all;
    for (std::string bytes = peer.read_some(); !bytes.empty(); bytes = peer.read_some())
      all += bytes;
    EXPECT_TRUE(peer.ended_cleanly());
    peer.send("got " + std::to_string(all.size()));
    peer.send(noise(1'000'000, 7));
  });
  start(upstream);
  Peer peer = client();
  ASSERT_TRUE(peer.send("question"));
  peer.half_close();
  EXPECT_EQ(peer.read_exactly(5), "got 8");
  EXPECT_EQ(peer.read_exactly(1'000'000), noise(1'000'000, 7));
  EXPECT_TRUE(peer.at_end());
  EXPECT_TRUE(peer.ended_cleanly());
}

TEST_F(TcpTest, AnEndpointMayEndItsSideFirst) {
  ScriptedUpstream upstream([](Peer& peer) {
    peer.send("all I had");
    peer.half_close();
    EXPECT_EQ(peer.read_exactly(5), "after");
    EXPECT_TRUE(peer.at_end());
  });
  start(upstream);
  Peer peer = client();
  EXPECT_EQ(peer.read_exactly(9), "all I had");
  EXPECT_TRUE(peer.at_end());
  ASSERT_TRUE(peer.send("after"));
  peer.half_close();
  EXPECT_TRUE(eventually([](const WorkerReport& r) { return r.connections_open == 0; }));
}

TEST_F(TcpTest, AnEndpointsResetReachesTheClient) {
  ScriptedUpstream upstream([](Peer& peer) {
    EXPECT_EQ(peer.read_exactly(1), "x");
    peer.reset();
  });
  start(upstream);
  Peer peer = client();
  ASSERT_TRUE(peer.send("x"));
  expect_reset(peer, Ending::kTcpUpstreamReset);
}

TEST_F(TcpTest, AClientsResetReachesTheEndpoint) {
  std::atomic<int> seen{0};
  ScriptedUpstream upstream([&](Peer& peer) {
    peer.send("x");
    seen = peer.read_some().empty() && !peer.ended_cleanly() ? 1 : 2;
  });
  start(upstream);
  Peer peer = client();
  ASSERT_EQ(peer.read_exactly(1), "x");
  peer.reset();
  EXPECT_TRUE(eventually([&](const WorkerReport&) { return seen != 0; }));
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(count(Ending::kTcpClientReset), 1U);
}

TEST_F(TcpTest, ASlowReaderStopsTheSenderAndCostsLittle) {
  std::atomic<std::uint64_t> sent{0};
  ScriptedUpstream upstream([&](Peer& peer) {
    const std::string block = noise(64 * 1024, 3);
    for (int i = 0; i < 512 && peer.send(block); ++i) sent += block.size();
  });
  start(upstream);
  Peer slow = client(4096);
  std::uint64_t before = 0;
  int still = 0;  // rounds of the worker in which nothing moved: the sender has stopped
  ASSERT_TRUE(eventually([&](const WorkerReport& r) {
    const std::uint64_t now = r.clusters.at(cluster_key("v1")).tcp_bytes_out;
    still = now == before && now > 0 ? still + 1 : 0;
    before = now;
    return still == 1000;
  }));
  EXPECT_LT(sent, 512U * 64 * 1024);
  EXPECT_LE(report().buffer_bytes, 2 * options_.buffer_bytes);
  std::size_t total = 0;
  const std::string block = noise(64 * 1024, 3);
  while (total < 512U * 64 * 1024 && slow.read_exactly(block.size()) == block) {
    total += block.size();
  }
  EXPECT_EQ(total, 512U * 64 * 1024);
}

TEST_F(TcpTest, AnEndpointThatRefusesIsReplacedByAnother) {
  ScriptedUpstream upstream(echo);
  world_.subsets = {{.endpoints = {refusing(), upstream.address()}}};
  start();
  for (int i = 0; i < 8; ++i) {
    Peer peer = client();
    ASSERT_TRUE(peer.send("hello"));
    EXPECT_EQ(peer.read_exactly(5), "hello");
  }
  const WorkerReport end = report();
  EXPECT_GE(end.clusters.at(cluster_key("v1")).connect_failures, 2U);
  EXPECT_EQ(end.endings[static_cast<std::size_t>(Ending::kConnectFailed)], 0U);
}

TEST_F(TcpTest, WhereNothingAnswersTheClientIsReset) {
  world_.subsets = {{.endpoints = {refusing()}}};
  start();
  Peer peer = client();
  expect_reset(peer, Ending::kConnectFailed);
}

TEST_F(TcpTest, WhereNothingIsReadyTheClientIsReset) {
  world_.subsets = {{.endpoints = {}}};
  start();
  Peer peer = client();
  expect_reset(peer, Ending::kNoEndpoint);
}

TEST_F(TcpTest, AnEndpointThatDoesNotAnswerIsGivenUpInTime) {
  // A full accept queue answers no SYN.
  UniqueFd full(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage{};
  socklen_t size = SocketAddress{*IpAddress::parse("127.0.0.1"), 0}.to_sockaddr(storage);
  ASSERT_EQ(bind(full.get(), reinterpret_cast<sockaddr*>(&storage), size), 0);
  ASSERT_EQ(listen(full.get(), 0), 0);
  const SocketAddress silent = net::local_address(full.get());
  std::vector<UniqueFd> fillers;
  for (int i = 0; i < 4; ++i) fillers.push_back(std::move(*net::connect_tcp(silent)));
  ScriptedUpstream upstream(echo);
  policy().connection_pool.connect_timeout = Milliseconds(50);
  world_.subsets = {{.endpoints = {silent, upstream.address()}}};
  start();
  for (int i = 0; i < 2; ++i) {
    Peer peer = client();
    ASSERT_TRUE(peer.send("hello"));
    EXPECT_EQ(peer.read_exactly(5), "hello");
  }
  EXPECT_GE(report().clusters.at(cluster_key("v1")).connect_failures, 1U);
}

TEST_F(TcpTest, WeightsAreExactConnectionByConnection) {
  ScriptedUpstream a([](Peer& peer) { peer.send("a"); });
  ScriptedUpstream b([](Peer& peer) { peer.send("b"); });
  world_.subsets = {{.name = "v1", .weight = 3, .endpoints = {a.address()}},
                    {.name = "v2", .weight = 1, .endpoints = {b.address()}}};
  start();
  std::string served;
  for (int i = 0; i < 40; ++i) served += client().read_exactly(1);
  EXPECT_EQ(std::ranges::count(served, 'a'), 30);
  EXPECT_EQ(std::ranges::count(served, 'b'), 10);
}

TEST_F(TcpTest, ARuleTakesOnlyWhatItsMatchesSay) {
  ScriptedUpstream upstream(echo);
  world_.tcp_matches.emplace_back().destination_subnets = {*IpPrefix::parse("10.0.0.0/8")};
  start(upstream);
  Peer peer = client();
  expect_reset(peer, Ending::kNoRoute);
  world_.tcp_matches.emplace_back().destination_subnets = {*IpPrefix::parse("127.0.0.0/8")};
  worker_->publish(make_snapshot(world_, 2));
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.generation == 2; }));
  Peer other = client();
  ASSERT_TRUE(other.send("hello"));
  EXPECT_EQ(other.read_exactly(5), "hello");
}

TEST_F(TcpTest, AConnectionOutlivesItsConfiguration) {
  ScriptedUpstream upstream(echo);
  ScriptedUpstream other([](Peer& peer) { peer.send("other"); });
  start(upstream);
  Peer peer = client();
  ASSERT_TRUE(peer.send("one"));
  ASSERT_EQ(peer.read_exactly(3), "one");
  world_.subsets = {{.endpoints = {other.address()}}};
  worker_->publish(make_snapshot(world_, 2));
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.generation == 2; }));
  EXPECT_EQ(client().read_exactly(5), "other");
  ASSERT_TRUE(peer.send("two"));
  EXPECT_EQ(peer.read_exactly(3), "two");
}

TEST_F(TcpTest, AnIdleConnectionEndsInTime) {
  ScriptedUpstream upstream(echo);
  policy().connection_pool.tcp_idle_timeout = Milliseconds(60);
  start(upstream);
  Peer peer = client();
  ASSERT_TRUE(peer.send("x"));
  ASSERT_EQ(peer.read_exactly(1), "x");
  expect_reset(peer, Ending::kTcpIdle);
}

TEST_F(TcpTest, AConnectionLivesNoLongerThanItMay) {
  ScriptedUpstream upstream(echo);
  policy().connection_pool.max_connection_duration = Milliseconds(100);
  start(upstream);
  Peer peer = client();
  while (peer.send("x") && !peer.read_exactly(1).empty()) {
  }
  EXPECT_EQ(count(Ending::kTcpDuration), 1U);
}

TEST_F(TcpTest, AClusterTakesNoMoreConnectionsThanItMay) {
  ScriptedUpstream upstream(echo);
  policy().connection_pool.max_connections = 1;
  start(upstream);
  Peer first = client();
  ASSERT_TRUE(first.send("x"));
  ASSERT_EQ(first.read_exactly(1), "x");
  Peer second = client();
  EXPECT_EQ(second.read_some(), "");
  EXPECT_FALSE(second.ended_cleanly());
  EXPECT_EQ(count(Ending::kTcpLimit), 1U);
  first.half_close();
  EXPECT_TRUE(first.at_end());
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.connections_open == 0; }));
  Peer third = client();
  ASSERT_TRUE(third.send("y"));
  EXPECT_EQ(third.read_exactly(1), "y");
}

TEST_F(TcpTest, TheEndpointIsToldWhoTheClientIs) {
  for (const std::uint8_t version : {std::uint8_t{1}, std::uint8_t{2}}) {
    net::ProxyParse parse;
    std::string rest;
    ScriptedUpstream upstream([&](Peer& peer) {
      std::string bytes;
      while (parse.state == net::ProxyParse::State::kNeedMore) {
        bytes += peer.read_some();
        parse = net::parse_proxy_header(bytes);
      }
      rest = bytes.substr(parse.consumed);
      while (rest.size() < 5) rest += peer.read_some();
      peer.send("done");
    });
    policy().proxy_protocol = version;
    start(upstream);
    Peer peer = client();
    const SocketAddress own = net::local_address(peer.fd());
    ASSERT_TRUE(peer.send("hello"));
    ASSERT_EQ(peer.read_exactly(4), "done");
    ASSERT_TRUE(parse.header.addresses);
    EXPECT_EQ(parse.header.version, version);
    EXPECT_EQ(*parse.header.addresses, (net::ProxyAddresses{own, address_}));
    EXPECT_EQ(rest, "hello");
    worker_->stop(Milliseconds(0));
  }
}

TEST_F(TcpTest, ADrainLeavesConnectionsTheirTimeAndThenResetsThem) {
  ScriptedUpstream upstream(echo);
  start(upstream);
  Peer done = client();
  Peer cut = client();
  for (Peer* const peer : {&done, &cut}) {
    ASSERT_TRUE(peer->send("x"));
    ASSERT_EQ(peer->read_exactly(1), "x");
  }
  worker_->drain(Milliseconds(500));
  ASSERT_TRUE(done.send("more"));
  EXPECT_EQ(done.read_exactly(4), "more");
  done.half_close();
  EXPECT_TRUE(done.at_end());
  EXPECT_TRUE(done.ended_cleanly());
  EXPECT_EQ(cut.read_some(), "");
  EXPECT_FALSE(cut.ended_cleanly());
  worker_->stop(Milliseconds(0));
  EXPECT_EQ(count(Ending::kTcpDrained), 1U);
}

}  // namespace
}  // namespace sluice::proxy::testing
