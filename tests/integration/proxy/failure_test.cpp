// SPDX-License-Identifier: Apache-2.0
// What clients see when endpoints, or clients themselves, fail: every ending has its status, reason and counter.
#include "tests/integration/proxy/proxy_fixture.hpp"

namespace sluice::proxy::testing {
namespace {

using FailureTest = ProxyTest;

SocketAddress closed_port() {
  const auto socket = net::listen_tcp(IpAddress::parse("127.0.0.1"), 0);
  return net::local_address(socket->get());  // nobody listens there once the socket is gone
}

TEST_F(FailureTest, AnEndpointThatClosesIdleConnectionsCostsNoRequest) {
  // Answers one request and closes without saying so, sometimes before the next request and sometimes after.
  std::atomic<int> served{0};
  ScriptedUpstream upstream([&](Peer& peer) {
    if (!peer.read_message()) return;
    ++served;
    peer.send(ok("x"));
  });
  start(upstream);
  Peer peer = client();
  for (int i = 0; i < 300; ++i) {
    const bool post = i % 2 == 1;
    ASSERT_TRUE(
        peer.send(post ? "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" : kGet));
    const auto answer = peer.read_message();
    ASSERT_TRUE(answer) << i;
    ASSERT_EQ(answer->status, 200) << i << " " << answer->field("X-Sluice-Reason");
  }
  EXPECT_EQ(served, 300);  // none was served twice
}

TEST_F(FailureTest, AGetIsSentAgainWhenAKeptConnectionClosesWithoutAnAnswer) {
  std::atomic<int> connection{0};
  ScriptedUpstream upstream([&](Peer& peer) {
    const bool first = ++connection == 1;
    for (int i = 0; peer.read_message(); ++i) {
      if (first && i == 1) return;  // has read the second request, and closes
      peer.send(ok("x"));
    }
  });
  start(upstream);
  Peer peer = client();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(peer.send(kGet));
    const auto answer = peer.read_message();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
  }
  EXPECT_EQ(upstream.connections(), 2);
}

TEST_F(FailureTest, APostThatTheEndpointHasReadIsNotSentAgain) {
  std::atomic<int> posts{0};
  ScriptedUpstream upstream([&](Peer& peer) {
    while (const auto request = peer.read_message()) {
      if (request->start.starts_with("POST")) {
        ++posts;
        return;
      }
      peer.send(ok("x"));
    }
  });
  start(upstream);
  Peer peer = client();
  ASSERT_TRUE(peer.send(kGet));
  ASSERT_TRUE(peer.read_message());
  ASSERT_TRUE(peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"));
  const auto answer = peer.read_message();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 502);
  EXPECT_EQ(answer->field("X-Sluice-Reason"), "upstream_reset");
  EXPECT_EQ(posts, 1);
  EXPECT_EQ(count(Ending::kUpstreamReset), 1U);
  ASSERT_TRUE(peer.send(kGet));  // the client's connection lives on
  ASSERT_TRUE(peer.read_message());
}

TEST_F(FailureTest, ATruncatedBodyIsNeverCompleteForTheClient) {
  const std::vector<std::string> answers{
      "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\npart",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
  };
  for (const std::string& text : answers) {
    for (const bool reset : {false, true}) {
      for (const std::string version : {"1.1", "1.0"}) {
        ScriptedUpstream upstream([&](Peer& peer) {
          if (!peer.read_message()) return;
          peer.send(text);
          if (reset) peer.reset();
        });
        start(upstream);
        const auto answer = ask("GET / HTTP/" + version + "\r\nHost: a\r\n\r\n");
        EXPECT_TRUE(!answer || !answer->complete || answer->status == 502) << text << version;
        EXPECT_EQ(count(Ending::kTruncated) + count(Ending::kUpstreamReset), 1U);
        worker_->stop(Milliseconds(0));
      }
    }
  }
}

TEST_F(FailureTest, AnEndpointThatSpeaksSomethingElseIs502) {
  ScriptedUpstream upstream([](Peer& peer) {
    if (peer.read_message()) peer.send("SSH-2.0-OpenSSH\r\n\r\n");
  });
  start(upstream);
  const auto answer = ask(kGet);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 502);
  EXPECT_EQ(count(Ending::kUpstreamInvalid), 1U);
}

TEST_F(FailureTest, AProtocolSwitchThatNobodyAskedForIs502) {
  ScriptedUpstream upstream([](Peer& peer) {
    if (peer.read_message()) {
      peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    }
  });
  start(upstream);
  const auto answer = ask(kGet);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 502);
}

TEST_F(FailureTest, BytesBehindAnAnswerAreNotTheNextAnswer) {
  std::atomic<int> connection{0};
  ScriptedUpstream upstream([&](Peer& peer) {
    const bool first = ++connection == 1;
    while (peer.read_message()) peer.send(ok("good") + (first ? ok("smuggled") : ""));
  });
  start(upstream);
  Peer peer = client();
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(peer.send(kGet));
    const auto answer = peer.read_message();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "good");
  }
  EXPECT_EQ(upstream.connections(), 2);
}

TEST_F(FailureTest, NoRouteIs404AndTheConnectionStays) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("x"); }));
  world_.path_prefix = "/api";
  start(upstream);
  Peer peer = client();
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(peer.send("GET /other HTTP/1.1\r\nHost: a\r\n\r\n"));
    const auto answer = peer.read_message();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 404);
    EXPECT_EQ(answer->field("X-Sluice-Reason"), "no_route");
  }
  ASSERT_TRUE(
      peer.send("HEAD /other HTTP/1.1\r\nHost: a\r\n\r\nGET /api HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_TRUE(peer.read_message(true));
  const auto answer = peer.read_message();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(count(Ending::kNoRoute), 3U);
}

TEST_F(FailureTest, NoEndpointIs503) {
  world_.subsets = {{}};
  start();
  const auto answer = ask(kGet);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->field("X-Sluice-Reason"), "no_endpoint");
  EXPECT_EQ(count(Ending::kNoEndpoint), 1U);
}

TEST_F(FailureTest, ARouteThatLeadsNowhereIs500) {
  world_.subsets = {};
  start();
  const auto answer = ask(kGet);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 500);
  EXPECT_EQ(count(Ending::kNoDestination), 1U);
}

TEST_F(FailureTest, ARefusedConnectionIs503) {
  world_.subsets = {{.endpoints = {closed_port()}}};
  start();
  const auto answer = ask(kGet);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->field("X-Sluice-Reason"), "connect_failed");
  EXPECT_EQ(report().clusters.at(cluster_key("v1")).connect_failures, 3U);  // twice again
}

TEST_F(FailureTest, ARequestGoesToAnotherEndpointWhenOneRefuses) {
  ScriptedUpstream upstream(answering([](const Message& request) { return ok(request.body); }));
  world_.subsets = {{.endpoints = {closed_port(), upstream.address()}}};
  start();
  for (int i = 0; i < 4; ++i) {
    const auto answer = ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "abc");
  }
}

TEST_F(FailureTest, AHalfHeadIs408AndAnIdleConnectionJustCloses) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("x"); }));
  options_.head_timeout = Milliseconds(50);
  options_.idle_timeout = Milliseconds(50);
  start(upstream);
  const auto answer = ask("GET / HTTP/1.1\r\nHo");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 408);
  EXPECT_EQ(count(Ending::kHeadTimeout), 1U);
  Peer idle = client();
  EXPECT_TRUE(idle.at_end());
  EXPECT_TRUE(idle.ended_cleanly());
  Peer kept = client();
  ASSERT_TRUE(kept.send(kGet));
  ASSERT_TRUE(kept.read_message());
  EXPECT_TRUE(kept.at_end());
  EXPECT_EQ(count(Ending::kHeadTimeout), 1U);
}

TEST_F(FailureTest, AnEndpointThatDoesNotAnswerIs504) {
  ScriptedUpstream upstream([](Peer& peer) {
    EXPECT_TRUE(peer.read_message());
    EXPECT_TRUE(peer.at_end());
  });
  options_.stream_timeout = Milliseconds(50);
  start(upstream);
  const auto answer = ask(kGet);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 504);
  EXPECT_EQ(count(Ending::kUpstreamTimeout), 1U);
}

TEST_F(FailureTest, AClientThatStopsInItsBodyIs408) {
  ScriptedUpstream upstream([](Peer& peer) {
    const auto request = peer.read_message();
    EXPECT_TRUE(!request || !request->complete);
  });
  options_.stream_timeout = Milliseconds(50);
  start(upstream);
  const auto answer = ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 408);
  EXPECT_EQ(count(Ending::kBodyTimeout), 1U);
}

TEST_F(FailureTest, AClientThatGoesAwayFreesTheEndpoint) {
  std::atomic<bool> freed{false};
  ScriptedUpstream upstream([&](Peer& peer) {
    if (!peer.read_message()) return;
    freed = peer.at_end();
  });
  start(upstream);
  Peer peer = client();
  ASSERT_TRUE(peer.send(kGet));
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.requests == 1; }));
  peer.reset();
  EXPECT_TRUE(eventually([](const WorkerReport& r) { return r.connections_open == 0; }));
  EXPECT_EQ(count(Ending::kClientClosed), 1U);
  EXPECT_TRUE(eventually([&](const WorkerReport&) { return freed.load(); }));
}

TEST_F(FailureTest, AnAddressThatNoListenerServesIsReset) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("x"); }));
  start(upstream);
  auto other = make_listening_socket(IpAddress::parse("127.0.0.1"), 0);
  ASSERT_TRUE(other);
  const SocketAddress address = net::local_address(other->get());
  worker_->add_listening_socket(std::move(*other));
  Peer peer = Peer::connect(address);
  EXPECT_TRUE(peer.at_end());
  EXPECT_EQ(count(Ending::kNoListener), 1U);
}

}  // namespace
}  // namespace sluice::proxy::testing
