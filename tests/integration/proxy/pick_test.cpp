// SPDX-License-Identifier: Apache-2.0
// Shares: exact over requests, carried over configuration changes, and no request lost by a change.
#include <map>

#include "tests/integration/proxy/proxy_fixture.hpp"

namespace sluice::proxy::testing {
namespace {

ScriptedUpstream::Script named(const std::string& name) {
  return answering([name](const Message&) { return ok(name); });
}

class PickTest : public ProxyTest {
 protected:
  void weigh(std::uint64_t a, std::uint64_t b) {
    world_.subsets = {{"v1", a, {one_.address(), two_.address()}}, {"v2", b, {three_.address()}}};
  }
  std::map<std::string, int> send(Peer& peer, int requests) {
    std::map<std::string, int> seen;
    for (int i = 0; i < requests; ++i) {
      if (!peer.send(kGet)) break;
      const auto answer = peer.read_message();
      if (!answer || answer->status != 200) break;
      ++seen[answer->body];
    }
    return seen;
  }
  ScriptedUpstream one_{named("one")}, two_{named("two")}, three_{named("three")};
};

TEST_F(PickTest, ThousandRequestsSplitExactly) {
  weigh(80, 20);
  start();
  Peer peer = client();
  auto seen = send(peer, 1000);
  EXPECT_EQ(seen["one"], 400);
  EXPECT_EQ(seen["two"], 400);
  EXPECT_EQ(seen["three"], 200);
  const auto clusters = report().clusters;
  EXPECT_EQ(clusters.at(cluster_key("v1")).picks, 800U);
  EXPECT_EQ(clusters.at(cluster_key("v2")).picks, 200U);
}

TEST_F(PickTest, EveryPrefixIsWithinOneOfItsShareAlsoAcrossGenerations) {
  weigh(70, 30);
  start();
  Peer peer = client();
  int second = 0;
  for (int i = 1; i <= 100; ++i) {
    second += send(peer, 1)["three"];
    EXPECT_NEAR(second, i * 0.3, 1.0) << i;
    if (i % 7 == 0) worker_->publish(make_snapshot(world_, static_cast<std::uint64_t>(i)));
  }
  EXPECT_EQ(second, 30);
}

TEST_F(PickTest, WeightZeroGetsNothing) {
  weigh(1, 0);
  start();
  Peer peer = client();
  EXPECT_EQ(send(peer, 100)["three"], 0);
}

TEST_F(PickTest, ChangingTheConfigurationUnderLoadLosesNothing) {
  weigh(50, 50);
  start();
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Peer peer = client();
      for (const auto& [name, times] : send(peer, 500)) answered += times;
    });
  }
  for (std::uint64_t generation = 2; answered < 0 || generation < 200; ++generation) {
    weigh(generation % 3, 1 + generation % 5);
    if (generation % 4 == 0) world_.subsets.pop_back();  // an endpoint leaves, with its connections
    if (generation % 4 == 0) world_.subsets[0].weight = 1;
    worker_->publish(make_snapshot(world_, generation));
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, 2000);
  EXPECT_TRUE(eventually([](const WorkerReport& r) { return r.generation == 199; }));
}

TEST_F(PickTest, ConnectionsToAnEndpointThatLeftAreClosed) {
  weigh(1, 1);
  start();
  Peer peer = client();
  EXPECT_EQ(send(peer, 4)["three"], 2);
  EXPECT_EQ(report().upstreams_idle, 3U);
  world_.subsets.pop_back();
  worker_->publish(make_snapshot(world_, 2));
  EXPECT_EQ(report().upstreams_open, 2U);
  EXPECT_EQ(report().upstreams_idle, 2U);
}

}  // namespace
}  // namespace sluice::proxy::testing
