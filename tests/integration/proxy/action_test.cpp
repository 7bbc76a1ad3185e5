// SPDX-License-Identifier: Apache-2.0
// What tests/http/table cannot show of faults and mirrors: times, amounts, and mirrors that fail.
#include <cmath>
#include <deque>

#include "tests/integration/proxy/policy_fixture.hpp"

namespace sluice::proxy::testing {
namespace {

constexpr std::uint32_t kPercent = model::Fraction::kWhole / 100;

class ActionTest : public ProxyTest {
 protected:
  // Requests go to "v1", copies to the subset "mirror".
  void start_with_mirror(const ScriptedUpstream& upstream, const SocketAddress& mirror) {
    start_with_mirrors(upstream, {{.name = "mirror", .endpoints = {mirror}}});
  }
  void start_with_mirrors(const ScriptedUpstream& upstream, const std::vector<Subset>& mirrors) {
    world_.subsets = {{.endpoints = {upstream.address()}}};
    for (const Subset& mirror : mirrors) world_.subsets.push_back(mirror);
    world_.edit_route = [mirrors](model::Route& route) {
      route.destinations.resize(1);
      for (const Subset& mirror : mirrors)
        route.mirrors.push_back({cluster_key(mirror.name), model::Fraction{}, {}});
    };
    start();
  }
  [[nodiscard]] int status_of(Peer& peer, const std::string& request = kGet) {
    if (!peer.send(request)) return 0;
    const auto answer = peer.read_message();
    return answer ? answer->status : 0;
  }
  // An address where nothing listens.
  [[nodiscard]] static SocketAddress refusing() {
    const ScriptedUpstream gone([](Peer&) {});
    return gone.address();
  }
};

std::string post(std::size_t size) {
  return "POST / HTTP/1.1\r\nHost: echo.test\r\nContent-Length: " + std::to_string(size) +
         "\r\n\r\n" + std::string(size, 'x');
}

TEST_F(ActionTest, AMirrorThatRefusesIsNotSeen) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("fine"); }));
  start_with_mirror(upstream, refusing());
  Peer peer = client();
  for (int i = 0; i < 20; ++i) ASSERT_EQ(status_of(peer), 200);
  EXPECT_TRUE(eventually([](const WorkerReport& r) { return r.mirrors_failed == 20; }));
  EXPECT_EQ(report().mirrors_sent, 20U);
}

TEST_F(ActionTest, AMirrorThatHangsIsNotSeenAndTakesABoundedAmount) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("fine"); }));
  ScriptedUpstream hanging([](Peer& peer) { (void)peer.read_message(), (void)peer.at_end(); });
  start_with_mirror(upstream, hanging.address());
  Peer peer = client();
  for (int i = 0; i < 300; ++i) ASSERT_EQ(status_of(peer), 200);
  const WorkerReport after = report();
  EXPECT_EQ(after.mirrors_sent, 64U);
  EXPECT_EQ(after.mirrors_dropped, 236U);
}

TEST_F(ActionTest, AMirrorThatHangsLeavesTheOthersTheirCopies) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("fine"); }));
  ScriptedUpstream hanging([](Peer& peer) { (void)peer.read_message(), (void)peer.at_end(); });
  ScriptedUpstream other(answering([](const Message&) { return ok("ignored"); }));
  start_with_mirrors(upstream, {{.name = "hanging", .endpoints = {hanging.address()}},
                                {.name = "other", .endpoints = {other.address()}}});
  Peer peer = client();
  for (std::uint64_t i = 1; i <= 100; ++i) {
    ASSERT_EQ(status_of(peer), 200);
    ASSERT_TRUE(eventually([i](const WorkerReport& r) { return r.mirrors_answered == i; }));
  }
  EXPECT_EQ(report().mirrors_dropped, 36U);  // of the one that hangs
}

TEST_F(ActionTest, ManyMirrorsThatHangTakeABoundedAmountTogether) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("fine"); }));
  std::deque<ScriptedUpstream> hanging;
  std::vector<Subset> mirrors;
  for (int i = 0; i < 5; ++i) {
    hanging.emplace_back([](Peer& peer) { (void)peer.read_message(), (void)peer.at_end(); });
    mirrors.push_back({.name = "m" + std::to_string(i), .endpoints = {hanging.back().address()}});
  }
  start_with_mirrors(upstream, mirrors);
  Peer peer = client();
  for (int i = 0; i < 60; ++i) ASSERT_EQ(status_of(peer), 200);
  EXPECT_EQ(report().mirrors_sent, 256U);
  EXPECT_EQ(report().mirrors_dropped, 44U);
}

// The mirror is the cluster that requests go to, and its only connection is theirs.
TEST_F(ActionTest, AMirrorTakesNoConnectionFromRequestsToTheSameEndpoint) {
  ScriptedUpstream upstream([](Peer& peer) {
    while (const auto request = peer.read_message()) {
      if (!request->field("X-Sluice-Mirror").empty()) {
        (void)peer.at_end();
        return;
      }
      peer.send(ok("fine"));
    }
  });
  world_.subsets = {{.endpoints = {upstream.address()}}};
  auto& limits = world_.subsets[0].policy.connection_pool;
  limits.max_connections = 1;
  limits.max_requests = 1;
  world_.edit_route = [](model::Route& route) {
    route.mirrors.push_back({cluster_key("v1"), model::Fraction{}, {}});
  };
  start();
  Peer peer = client();
  for (int i = 0; i < 20; ++i) ASSERT_EQ(status_of(peer), 200);
  EXPECT_EQ(report().mirrors_sent, 1U);  // maxConnections holds for copies by themselves
  EXPECT_EQ(report().mirrors_dropped, 19U);
}

TEST_F(ActionTest, AMirrorKeepsFewIdleConnections) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("fine"); }));
  Gate gate;
  ScriptedUpstream mirror(answering([&gate](const Message&) {
    gate.pass();
    return ok("ignored");
  }));
  start_with_mirror(upstream, mirror.address());
  Peer peer = client();
  for (int i = 0; i < 20; ++i) ASSERT_EQ(status_of(peer), 200);
  ASSERT_TRUE(gate.wait_for(20));
  gate.open();
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.mirrors_answered == 20; }));
  EXPECT_EQ(report().upstreams_idle, 8U + 1U);
  EXPECT_EQ(report().upstreams_open, 8U + 1U);
}

TEST_F(ActionTest, AMirrorsEndpointsAreChosenByTheLoadOfCopiesAndByHealth) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("fine"); }));
  ScriptedUpstream hanging([](Peer& peer) { (void)peer.read_message(), (void)peer.at_end(); });
  ScriptedUpstream well(answering([](const Message&) { return ok("ignored"); }));
  ScriptedUpstream ejected(answering([](const Message&) { return ok("ignored"); }));
  options_.registry = std::make_shared<health::Registry>(clock_);
  Subset mirror{.name = "mirror",
                .endpoints = {hanging.address(), well.address(), ejected.address()}};
  auto& outliers = mirror.policy.outlier_detection.emplace();
  outliers.consecutive_5xx_errors = 1;
  start_with_mirrors(upstream, {mirror});
  Peer peer = client();
  ASSERT_EQ(status_of(peer), 200);  // the records exist
  model::Endpoint endpoint;
  endpoint.address = ejected.address();
  const auto records = options_.registry->find(
      cluster_key("mirror"), std::make_shared<const model::TrafficPolicy>(mirror.policy),
      std::span(&endpoint, 1));
  records.endpoints[0]->report(health::Outcome::kServerError, outliers, clock_.now());
  const int before = ejected.connections();
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(status_of(peer), 200);
    // What is under way is at the one that hangs.
    ASSERT_TRUE(eventually([&](const WorkerReport& r) {
      return r.mirrors_sent - r.mirrors_answered ==
             static_cast<std::uint64_t>(hanging.connections());
    }));
  }
  EXPECT_EQ(ejected.connections(), before);
  EXPECT_LE(hanging.connections(), 2);
}

TEST_F(ActionTest, HowCopiesAreAnsweredCountsForOutlierDetection) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("fine"); }));
  ScriptedUpstream broken(
      answering([](const Message&) { return "HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n"; }));
  ScriptedUpstream resetting([](Peer& peer) { (void)peer.read_message(); });
  ScriptedUpstream well(answering([](const Message&) { return ok("ignored"); }));
  const std::vector<SocketAddress> bad = {broken.address(), resetting.address(), refusing()};
  std::vector<Subset> mirrors;
  for (std::size_t i = 0; i < bad.size(); ++i) {
    Subset& mirror = mirrors.emplace_back();
    mirror.name = "mirror" + std::to_string(i);
    mirror.endpoints = {bad[i], well.address()};
    mirror.policy.load_balancer.kind = model::LoadBalancer::Kind::kRoundRobin;
    auto& outliers = mirror.policy.outlier_detection.emplace();
    outliers.consecutive_5xx_errors = 2;
    outliers.max_ejection_percent = 50;
  }
  options_.registry = std::make_shared<health::Registry>(clock_);
  start_with_mirrors(upstream, mirrors);
  Peer peer = client();
  for (int i = 0; i < 30; ++i) {
    ASSERT_EQ(status_of(peer), 200);
    ASSERT_TRUE(eventually([](const WorkerReport& r) {
      return r.mirrors_answered + r.mirrors_failed == r.mirrors_sent;
    }));
  }
  const auto ejected = [&](const SocketAddress& endpoint) {
    for (const auto& cluster : options_.registry->views()) {
      for (const auto& each : cluster.endpoints) {
        if (each.address == endpoint) return each.ejected;
      }
    }
    return false;
  };
  for (const SocketAddress& endpoint : bad) EXPECT_TRUE(ejected(endpoint)) << to_string(endpoint);
  EXPECT_FALSE(ejected(well.address()));
  EXPECT_EQ(report().mirrors_failed, 4U) << "two copies each, and then none";
}

TEST_F(ActionTest, AMirrorGetsBodiesUpToABound) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("fine"); }));
  std::atomic<std::size_t> mirrored{0};
  ScriptedUpstream mirror(answering([&](const Message& request) {
    mirrored += request.body.size();
    return ok("ignored");
  }));
  start_with_mirror(upstream, mirror.address());
  Peer peer = client();
  ASSERT_EQ(status_of(peer, post(64 * 1024)), 200);
  ASSERT_EQ(status_of(peer, post(64 * 1024 + 1)), 200);
  EXPECT_TRUE(eventually(
      [](const WorkerReport& r) { return r.mirrors_answered == 1 && r.mirrors_dropped == 1; }));
  EXPECT_EQ(mirrored.load(), 64U * 1024U);
}

// Whatever sizes the pieces have that a body comes in: the copy leaves in the middle of the request.
TEST_F(ActionTest, ACopyThatLeavesDoesNotTouchTheRequest) {
  ScriptedUpstream upstream(answering([](const Message& request) { return ok(request.body); }));
  ScriptedUpstream mirror(answering([](const Message& request) { return ok(request.body); }));
  start_with_mirror(upstream, mirror.address());
  Peer peer = client();
  for (std::uint64_t i = 1; i <= 50; ++i) {
    const std::string head = "POST / HTTP/1.1\r\nHost: echo.test\r\nContent-Length: 200\r\n\r\n";
    const std::string body(200, static_cast<char>('a' + i % 26));
    ASSERT_TRUE(peer.send(head + body.substr(0, 100)));
    // The rest comes by itself, once the worker has read the first piece.
    ASSERT_TRUE(eventually([&](const WorkerReport& r) { return r.requests == i; }));
    ASSERT_TRUE(peer.send(body.substr(100)));
    const auto answer = peer.read_message();
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->body, body);
  }
}

TEST_F(ActionTest, AMirrorThatClosesIdleConnectionsMissesNothing) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("fine"); }));
  std::atomic<int> mirrored{0};
  ScriptedUpstream closing([&](Peer& peer) {
    if (!peer.read_message()) return;
    ++mirrored;
    peer.send(ok("ignored"));
  });
  start_with_mirror(upstream, closing.address());
  Peer peer = client();
  for (std::uint64_t i = 1; i <= 20; ++i) {
    ASSERT_EQ(status_of(peer), 200);
    ASSERT_TRUE(eventually([i](const WorkerReport& r) { return r.mirrors_answered == i; }));
  }
  EXPECT_EQ(mirrored.load(), 20);
}

TEST_F(ActionTest, SharesOfFaultsAreExactAtEveryMomentAndGoOnOverChanges) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("fine"); }));
  world_.edit_route = [](model::Route& route) {
    route.name = "faulty";
    route.fault.emplace();
    route.fault->abort =
        model::Fault::Abort{.status = 429, .grpc_status = {}, .share = {7 * kPercent}};
  };
  start(upstream);
  Peer peer = client();
  int aborted = 0;
  for (int n = 1; n <= 500; ++n) {
    if (status_of(peer) == 429) ++aborted;
    ASSERT_LT(std::abs(aborted - n * 0.07), 1.0) << n;
    if (n % 10 == 0) worker_->publish(make_snapshot(world_, static_cast<std::uint64_t>(n)));
  }
  EXPECT_EQ(aborted, 35);
  EXPECT_EQ(count(Ending::kFaultAbort), 35U);
}

TEST_F(ActionTest, ADelayTakesItsTimeAndHoldsUpNobodyElse) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("fine"); }));
  world_.edit_route = [](model::Route& route) {
    route.fault.emplace();
    route.fault->delay = model::Fault::Delay{Milliseconds(200), {50 * kPercent}};
  };
  start(upstream);
  Peer prompt = client();
  Peer late = client();
  ASSERT_EQ(status_of(prompt), 200);
  const TimePoint begin = clock_.now();
  ASSERT_TRUE(late.send(post(4)));
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.fault_delays == 1; }));
  ASSERT_EQ(status_of(prompt), 200);
  EXPECT_LT(clock_.now() - begin, Milliseconds(200));
  const auto answer = late.read_message();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_GE(clock_.now() - begin, Milliseconds(200));
}

TEST_F(ActionTest, AClientThatLeavesDuringADelayLeavesNothingBehind) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("fine"); }));
  world_.edit_route = [](model::Route& route) {
    route.fault.emplace();
    route.fault->delay = model::Fault::Delay{std::chrono::hours(1), {}};
  };
  start(upstream);
  Peer peer = client();
  ASSERT_TRUE(peer.send(kGet));
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.fault_delays == 1; }));
  peer.reset();
  EXPECT_TRUE(eventually([](const WorkerReport& r) { return r.connections_open == 0; }));
  EXPECT_EQ(upstream.connections(), 0);
}

// DestinationRule consistentHash.useSourceIp: the source is the client, not the proxy in front of us.
TEST_F(ActionTest, HashingByTheSourceTakesWhomATrustedProxyNames) {
  std::atomic<int> first{0};
  std::atomic<int> second{0};
  ScriptedUpstream one(answering([&](const Message&) { return ++first, ok("one"); }));
  ScriptedUpstream two(answering([&](const Message&) { return ++second, ok("two"); }));
  auto policy = std::make_shared<model::TrafficPolicy>();
  policy->load_balancer.kind = model::LoadBalancer::Kind::kConsistentHash;
  policy->load_balancer.hash.emplace();
  world_.policy = policy;
  world_.subsets = {{.endpoints = {one.address(), two.address()}}};
  options_.trust.cidrs = {IpPrefix::parse("127.0.0.0/8").value()};
  start();
  Peer peer = client();
  const auto ask_as = [&](int host) {
    return status_of(peer, "GET / HTTP/1.1\r\nHost: echo.test\r\nX-Forwarded-For: 203.0.113." +
                               std::to_string(host) + "\r\n\r\n");
  };
  for (int i = 0; i < 20; ++i) ASSERT_EQ(ask_as(7), 200);
  EXPECT_TRUE(first == 20 || second == 20) << first << " " << second;
  for (int host = 1; host <= 64; ++host) ASSERT_EQ(ask_as(host), 200);
  EXPECT_GT(first, 0);
  EXPECT_GT(second, 0);
}

}  // namespace
}  // namespace sluice::proxy::testing
