// SPDX-License-Identifier: Apache-2.0
// What a client and an endpoint see of each other through the proxy: heads, framing, connection reuse.
#include "tests/integration/proxy/proxy_fixture.hpp"

namespace sluice::proxy::testing {
namespace {

using RelayTest = ProxyTest;

std::string describe(const Message& request) {
  std::string body = request.start + "\n";
  for (const auto& [name, value] : request.fields) body += name + ": " + value + "\n";
  return ok(body + "\n" + request.body);
}

TEST_F(RelayTest, KeepsBothConnectionsAlive) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("hello"); }));
  start(upstream);
  Peer peer = client();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(peer.send(kGet));
    const auto answer = peer.read_message();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "hello");
    EXPECT_EQ(answer->field("Connection"), "");
  }
  EXPECT_EQ(upstream.connections(), 1);
  const WorkerReport seen = report();
  EXPECT_EQ(seen.requests, 10U);
  EXPECT_EQ(seen.connections_accepted, 1U);
  EXPECT_EQ(seen.upstream_reuses, 9U);
  EXPECT_EQ(seen.clusters.at(cluster_key("v1")).responses[2], 10U);
  EXPECT_EQ(seen.buffer_bytes, 0U);
}

TEST_F(RelayTest, AnswersPipelinedRequestsInOrder) {
  ScriptedUpstream upstream(answering([](const Message& request) { return ok(request.start); }));
  start(upstream);
  Peer peer = client();
  std::string all;
  for (int i = 0; i < 50; ++i) {
    all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: echo.test\r\n\r\n";
  }
  ASSERT_TRUE(peer.send(all));
  for (int i = 0; i < 50; ++i) {
    const auto answer = peer.read_message();
    ASSERT_TRUE(answer) << i;
    EXPECT_EQ(answer->body, "GET /" + std::to_string(i) + " HTTP/1.1");
  }
}

TEST_F(RelayTest, TakesAHeadInPiecesOfOneByte) {
  ScriptedUpstream upstream(answering(describe));
  start(upstream);
  Peer peer = client();
  const std::string request =
      "POST /a?b=c HTTP/1.1\r\nHost: echo.test\r\nContent-Length: 4\r\nX-One: 1\r\n\r\nbody";
  for (const char byte : request) ASSERT_TRUE(peer.send({&byte, 1}));
  const auto answer = peer.read_message();
  ASSERT_TRUE(answer);
  EXPECT_NE(answer->body.find("POST /a?b=c HTTP/1.1\n"), std::string::npos);
  EXPECT_NE(answer->body.find("\n\nbody"), std::string::npos);
}

TEST_F(RelayTest, PassesFieldsInOrderAndStripsHopByHopOnes) {
  ScriptedUpstream upstream(answering(describe));
  start(upstream);
  const auto answer =
      ask("GET / HTTP/1.1\r\nhost: echo.test\r\nX-b: 1\r\nConnection: x-secret, upgrade\r\n"
          "x-A: 2\r\nX-Secret: 3\r\nX-b: 4\r\nUpgrade: websocket\r\nKeep-Alive: 5\r\nTE: "
          "gzip, trailers\r\n\r\n");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body,
            "GET / HTTP/1.1\nhost: echo.test\nX-b: 1\nx-A: 2\nX-b: 4\n"
            "TE: trailers\nConnection: TE\n\n");
}

TEST_F(RelayTest, MeasuresHowLongARequestTook) {
  constexpr std::chrono::milliseconds kSlow(30);
  ScriptedUpstream upstream(answering([&](const Message&) {
    std::this_thread::sleep_for(kSlow);
    return ok("late");
  }));
  start(upstream);
  ASSERT_TRUE(ask(kGet));
  ASSERT_TRUE(eventually([](const WorkerReport& r) {
    return r.clusters.at(cluster_key("v1")).durations.count() == 1;
  }));
  const DurationHistogram durations = report().clusters.at(cluster_key("v1")).durations;
  EXPECT_GE(durations.sum_ms(), static_cast<double>(kSlow.count()) - 2);
  EXPECT_LT(durations.sum_ms(), 5000);
  const DurationHistogram first_bytes = report().clusters.at(cluster_key("v1")).first_bytes;
  EXPECT_EQ(first_bytes.count(), 1U);
  EXPECT_GE(first_bytes.sum_ms(), static_cast<double>(kSlow.count()) - 2);
  EXPECT_LE(first_bytes.sum_ms(), durations.sum_ms());
  ASSERT_TRUE(ask("GET / HTTP/1.1\r\n\r\n"));  // refused: no cluster was picked
  EXPECT_EQ(report().clusters.at(cluster_key("v1")).durations.count(), 1U);
}

TEST_F(RelayTest, AddsForwardedFieldsOnlyWhenTheListenerSaysSo) {
  ScriptedUpstream upstream(answering(describe));
  world_.forwarded = model::ForwardedHeaders::kAdd;
  start(upstream);
  const auto answer =
      ask("GET / HTTP/1.1\r\nHost: echo.test\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n");
  ASSERT_TRUE(answer);
  EXPECT_NE(answer->body.find("X-Forwarded-For: 127.0.0.1\n"), std::string::npos) << answer->body;
  EXPECT_EQ(answer->body.find("203.0.113.7"), std::string::npos);
  EXPECT_NE(answer->body.find("X-Forwarded-Proto: http\n"), std::string::npos);
  EXPECT_NE(answer->body.find("X-Request-Id: "), std::string::npos);
  const auto own = ask("GET / HTTP/1.1\r\nHost: echo.test\r\nX-Request-Id: mine\r\n\r\n");
  ASSERT_TRUE(own);
  EXPECT_EQ(own->body.find("X-Request-Id: mine\n"), std::string::npos) << "nobody vouches for it";
}

TEST_F(RelayTest, AnswersWithoutABodyStayWithoutOne) {
  ScriptedUpstream upstream(answering([](const Message& request) -> std::string {
    if (request.start.starts_with("HEAD")) return "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n";
    if (request.start.find("/204") != std::string::npos) return "HTTP/1.1 204 No Content\r\n\r\n";
    return "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 99\r\n\r\n";
  }));
  start(upstream);
  Peer peer = client();
  ASSERT_TRUE(peer.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"));
  const auto head = peer.read_message(true);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->field("Content-Length"), "1234");
  ASSERT_TRUE(peer.send("GET /204 HTTP/1.1\r\nHost: a\r\n\r\n"));
  const auto no_content = peer.read_message();
  ASSERT_TRUE(no_content);
  EXPECT_EQ(no_content->status, 204);
  EXPECT_EQ(no_content->field("Content-Length"), "");
  EXPECT_EQ(no_content->field("Transfer-Encoding"), "");
  ASSERT_TRUE(peer.send("GET /304 HTTP/1.1\r\nHost: a\r\n\r\n"));
  const auto not_modified = peer.read_message();
  ASSERT_TRUE(not_modified);
  EXPECT_EQ(not_modified->status, 304);
  EXPECT_EQ(not_modified->field("ETag"), "\"x\"");
  ASSERT_TRUE(peer.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"));  // still in step
  EXPECT_TRUE(peer.read_message(true));
  EXPECT_EQ(upstream.connections(), 1);
}

TEST_F(RelayTest, RelaysTheInterimAnswerOfAnExpectation) {
  ScriptedUpstream upstream([](Peer& peer) {
    // The head alone: its body comes only after the interim answer.
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) {
      const std::string more = peer.read_some();
      if (more.empty()) return;
      head += more;
    }
    EXPECT_NE(head.find("Expect: 100-continue"), std::string::npos);
    EXPECT_TRUE(head.ends_with("\r\n\r\n"));
    peer.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    EXPECT_EQ(peer.read_exactly(5), "hello");
    peer.send(ok("done"));
  });
  start(upstream);
  Peer peer = client();
  ASSERT_TRUE(
      peer.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"));
  const auto interim = peer.read_message();
  ASSERT_TRUE(interim);
  EXPECT_EQ(interim->status, 100);
  const auto hints = peer.read_message();
  ASSERT_TRUE(hints);
  EXPECT_EQ(hints->status, 103);
  EXPECT_EQ(hints->field("Link"), "</a>");
  ASSERT_TRUE(peer.send("hello"));
  const auto answer = peer.read_message();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "done");
}

TEST_F(RelayTest, AnHttp10ClientGetsNeitherInterimAnswersNorChunks) {
  ScriptedUpstream upstream(answering([](const Message& request) {
    EXPECT_EQ(request.field("Expect"), "");
    return "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
           "3\r\nabc\r\n0\r\n\r\n";
  }));
  start(upstream);
  Peer peer = client();
  ASSERT_TRUE(peer.send(
      "POST / HTTP/1.0\r\nExpect: 100-continue\r\nConnection: keep-alive\r\nContent-Length: 1\r\n"
      "\r\nx"));
  const auto answer = peer.read_message();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "abc");
  EXPECT_EQ(answer->field("Transfer-Encoding"), "");
  EXPECT_EQ(answer->field("Connection"), "close");
  EXPECT_TRUE(peer.ended_cleanly());
}

TEST_F(RelayTest, ABodyThatEndsWithTheConnectionIsChunkedForTheClient) {
  ScriptedUpstream upstream([](Peer& peer) {
    if (peer.read_message()) peer.send("HTTP/1.1 200 OK\r\n\r\nuntil the end");
  });
  start(upstream);
  Peer peer = client();
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(peer.send(kGet));
    const auto answer = peer.read_message();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->field("Transfer-Encoding"), "chunked");
    EXPECT_TRUE(answer->complete);
    EXPECT_EQ(answer->body, "until the end");
  }
}

TEST_F(RelayTest, ClosesWhenTheClientAsksForIt) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("x"); }));
  start(upstream);
  Peer peer = client();
  ASSERT_TRUE(peer.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
  const auto answer = peer.read_message();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->field("Connection"), "close");
  EXPECT_TRUE(peer.at_end());
  EXPECT_TRUE(peer.ended_cleanly());
}

TEST_F(RelayTest, AnswersAClientThatHasClosedItsSendingSide) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("x"); }));
  start(upstream);
  Peer peer = client();
  ASSERT_TRUE(peer.send(kGet));
  peer.half_close();
  const auto answer = peer.read_message();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "x");
  EXPECT_TRUE(peer.at_end());
}

TEST_F(RelayTest, RefusesConnect) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("x"); }));
  start(upstream);
  const auto answer = ask("CONNECT echo.test:443 HTTP/1.1\r\nHost: echo.test:443\r\n\r\n");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 501);
  EXPECT_EQ(upstream.connections(), 0);
}

TEST_F(RelayTest, AMalformedRequestIsAnsweredAndEndsTheConnection) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("x"); }));
  start(upstream);
  Peer peer = client();
  ASSERT_TRUE(peer.send("GET / HTTP/1.1\r\nHost : a\r\n\r\n" + kGet));
  const auto answer = peer.read_message();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 400);
  EXPECT_EQ(answer->field("X-Sluice-Reason"), "space_before_colon");
  EXPECT_EQ(answer->field("Connection"), "close");
  EXPECT_TRUE(peer.at_end());
  EXPECT_EQ(upstream.connections(), 0);
  EXPECT_EQ(count(Ending::kBadRequest), 1U);
}

TEST_F(RelayTest, AMalformedChunkNeverReachesTheEndpointAsAnEnd) {
  ScriptedUpstream upstream([](Peer& peer) {
    const auto request = peer.read_message();
    EXPECT_TRUE(!request || !request->complete);
  });
  start(upstream);
  Peer peer = client();
  ASSERT_TRUE(
      peer.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"));
  ASSERT_TRUE(eventually([&](const WorkerReport& r) { return r.upstream_connects == 1; }));
  ASSERT_TRUE(peer.send("zz\r\n"));
  const auto answer = peer.read_message();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 400);
  EXPECT_TRUE(peer.at_end());
}

}  // namespace
}  // namespace sluice::proxy::testing
