// SPDX-License-Identifier: Apache-2.0
// Retries and timeouts as a route's policy asks for them.
#include "tests/integration/proxy/proxy_fixture.hpp"

namespace sluice::proxy::testing {
namespace {

using Policy = model::RetryPolicy;

const std::string kUnavailable =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy";

std::string post(const std::string& body, const std::string& fields = "") {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class RetryTest : public ProxyTest {
 protected:
  void retry_on(std::uint32_t conditions, std::uint32_t attempts = 2) {
    Policy policy;
    policy.conditions = conditions;
    policy.attempts = attempts;
    policy.backoff = Milliseconds(1);
    world_.retries = policy;
  }
  // The first `failures` requests are answered with `failure`, those behind them echo.
  [[nodiscard]] ScriptedUpstream::Script failing_first(int failures, std::string failure) {
    return answering([this, failures, failure](const Message& request) {
      return ++seen_ <= failures ? failure : ok(request.body);
    });
  }

  std::atomic<int> seen_{0};
};

TEST_F(RetryTest, AnAnswerThatThePolicyNamesIsAskedForAgain) {
  retry_on(Policy::kGatewayError);
  ScriptedUpstream upstream(failing_first(2, kUnavailable));
  start(upstream);
  const auto answer = ask(kGet);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(seen_, 3);
  EXPECT_EQ(report().retries, 2U);
  EXPECT_EQ(upstream.connections(), 1);  // the dropped answers were complete
}

// The interim answer waits to go out with the final one, which is dropped; meanwhile others write.
TEST_F(RetryTest, AnInterimAnswerBeforeOneThatIsDroppedStaysWhatItWas) {
  retry_on(Policy::k5xx);
  const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
  ScriptedUpstream upstream(failing_first(1, hints + kUnavailable));
  start(upstream);
  Peer peer = client();
  ASSERT_TRUE(peer.send(kGet));
  EXPECT_EQ(peer.read_exactly(hints.size()), hints);
  const auto answer = peer.read_message();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(seen_, 2);
}

TEST_F(RetryTest, TheLastAnswerGoesToTheClientWhenNoneIsLeft) {
  retry_on(Policy::k5xx);
  ScriptedUpstream upstream(failing_first(9, kUnavailable));
  start(upstream);
  const auto answer = ask(kGet);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->body, "busy");
  EXPECT_EQ(seen_, 3);
}

TEST_F(RetryTest, ARouteThatSaysNothingRepeatsNoAnswer) {
  ScriptedUpstream upstream(failing_first(1, kUnavailable));
  start(upstream);
  const auto answer = ask(kGet);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(seen_, 1);
}

TEST_F(RetryTest, APostIsRepeatedOnlyWhereThePolicyAllowsIt) {
  for (const bool unsafe : {false, true}) {
    seen_ = 0;
    retry_on(Policy::k5xx | (unsafe ? Policy::kUnsafeMethods : 0U));
    ScriptedUpstream upstream(failing_first(1, kUnavailable));
    start(upstream);
    const auto answer = ask(post("payload"));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, unsafe ? 200 : 503);
    EXPECT_EQ(answer->body, unsafe ? "payload" : "busy");
    worker_->stop(Milliseconds(0));
  }
}

TEST_F(RetryTest, ABodyThatCameInPiecesIsRepeatedWhole) {
  retry_on(Policy::k5xx);
  ScriptedUpstream upstream(failing_first(1, kUnavailable));
  start(upstream);
  Peer peer = client();
  ASSERT_TRUE(peer.send("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
  std::string body;
  for (int i = 0; i < 20; ++i) {
    const std::string piece(1000, static_cast<char>('a' + i));
    body += piece;
    ASSERT_TRUE(peer.send("3e8\r\n" + piece + "\r\n"));
    // Each piece is on its way before the next one is written.
    const std::uint64_t sent = body.size();
    ASSERT_TRUE(eventually([&](const WorkerReport& r) { return r.bytes_received >= sent; }));
  }
  ASSERT_TRUE(peer.send("0\r\n\r\n"));
  const auto answer = peer.read_message();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, body);
}

TEST_F(RetryTest, ALongBodyIsSentOnce) {
  retry_on(Policy::k5xx);
  ScriptedUpstream upstream(failing_first(1, kUnavailable));
  start(upstream);
  const std::string body(200'000, 'x');
  const auto answer = ask("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" + body);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(seen_, 1);
  EXPECT_EQ(report().retries_too_large, 1U);
}

TEST_F(RetryTest, OtherEndpointsArePreferred) {
  retry_on(Policy::k5xx, 1);
  ScriptedUpstream bad(failing_first(1'000, kUnavailable));
  ScriptedUpstream good(answering([](const Message&) { return ok("good"); }));
  world_.subsets = {{.endpoints = {bad.address(), good.address()}}};
  start();
  for (int i = 0; i < 20; ++i) {
    const auto answer = ask(kGet);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "good");
  }
  EXPECT_GT(seen_, 0);
}

TEST_F(RetryTest, AResetIsRepeatedForASafeMethod) {
  for (const bool safe : {true, false}) {
    retry_on(Policy::kReset);
    seen_ = 0;
    ScriptedUpstream upstream([this](Peer& peer) {
      while (const auto request = peer.read_message()) {
        if (++seen_ == 1) return;
        peer.send(ok("x"));
      }
    });
    start(upstream);
    const auto answer = ask(safe ? kGet : post("x"));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, safe ? 200 : 502);
    worker_->stop(Milliseconds(0));
  }
}

TEST_F(RetryTest, AnAttemptThatTakesTooLongIsFollowedByAnother) {
  retry_on(Policy::kReset);
  world_.retries->per_try_timeout = Milliseconds(50);
  ScriptedUpstream upstream([this](Peer& peer) {
    while (const auto request = peer.read_message()) {
      if (++seen_ > 1) peer.send(ok("x"));
    }
  });
  start(upstream);
  const auto answer = ask(kGet);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(seen_, 2);
}

TEST_F(RetryTest, TheRoutesTimeoutHoldsForAllAttemptsTogether) {
  retry_on(Policy::k5xx, 1'000'000);
  world_.retries->backoff = Milliseconds(10);
  world_.timeout = Milliseconds(150);
  ScriptedUpstream upstream(failing_first(1'000'000, kUnavailable));
  start(upstream);
  const TimePoint before = clock_.now();
  const auto answer = ask(kGet);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 504);
  EXPECT_EQ(answer->field("X-Sluice-Reason"), "upstream_timeout");
  EXPECT_GE(clock_.now() - before, Milliseconds(150));
  EXPECT_GT(seen_, 1);
  EXPECT_EQ(count(Ending::kUpstreamTimeout), 1U);
}

TEST_F(RetryTest, TheRoutesTimeoutCutsAnAnswerThatTakesTooLong) {
  world_.timeout = Milliseconds(50);
  ScriptedUpstream upstream([](Peer& peer) {
    if (!peer.read_message()) return;
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
    (void)peer.at_end();
  });
  start(upstream);
  const auto answer = ask(kGet);
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->complete);
  EXPECT_EQ(count(Ending::kUpstreamTimeout), 1U);
}

TEST_F(RetryTest, ALongTimeoutOfTheRouteHoldsWhereNothingMoves) {
  options_.stream_timeout = Milliseconds(30);
  world_.timeout = Milliseconds(10'000);
  ScriptedUpstream upstream([this](Peer& peer) {
    if (!peer.read_message()) return;
    const TimePoint end = clock_.now() + Milliseconds(100);  // longer than the stream's timeout
    while (clock_.now() < end) std::this_thread::yield();
    peer.send(ok("late"));
  });
  start(upstream);
  const auto answer = ask(kGet);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "late");
}

TEST_F(RetryTest, TheClustersLimitOfRetriesHolds) {
  retry_on(Policy::k5xx);
  auto policy = *model::default_policy();
  policy.connection_pool.max_retries = 0;
  world_.policy = std::make_shared<const model::TrafficPolicy>(policy);
  ScriptedUpstream upstream(failing_first(1, kUnavailable));
  start(upstream);
  const auto answer = ask(kGet);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(seen_, 1);
}

TEST_F(RetryTest, AGrpcCallThatIsUnavailableIsRepeatedByDefault) {
  ScriptedUpstream upstream(
      failing_first(1,
                    "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nGrpc-Status: "
                    "14\r\nContent-Length: 0\r\n\r\n"));
  start(upstream);
  const auto answer = ask(post("call", "Content-Type: application/grpc\r\n"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "call");
  EXPECT_EQ(seen_, 2);
}

}  // namespace
}  // namespace sluice::proxy::testing
