// SPDX-License-Identifier: Apache-2.0
// What the proxy does with requests that others may read differently, with trailers and with bodies beyond the limit.
#include "agent/http/desync.hpp"
#include "tests/integration/proxy/proxy_fixture.hpp"

namespace sluice::proxy::testing {
namespace {

const std::string kGetWithBody = "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
const std::string kChunkedPost =
    "POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: "
    "chunked\r\n\r\n";

class StrictnessTest : public ProxyTest {
 protected:
  static std::uint64_t found(const WorkerReport& report, http::H1Reason reason,
                             http::DesyncAction action) {
    return report.desync.counts[static_cast<std::size_t>(reason)][static_cast<std::size_t>(action)];
  }
  std::uint64_t found(http::H1Reason reason, http::DesyncAction action) {
    return found(report(), reason, action);
  }
  // Reads until `text` has come or the connection ends.
  static std::string read_until(Peer& peer, const std::string& text) {
    std::string all;
    while (all.find(text) == std::string::npos) {
      const std::string more = peer.read_some();
      if (more.empty()) break;
      all += more;
    }
    return all;
  }
};

TEST_F(StrictnessTest, AnAmbiguousRequestIsServedAndItsConnectionsCarryNoOther) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("hi"); }));
  start(upstream);
  Peer peer = client();
  ASSERT_TRUE(peer.send(kGetWithBody + kGet));
  const auto answer = peer.read_message();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->field("Connection"), "close");
  EXPECT_TRUE(peer.at_end());
  EXPECT_TRUE(ask(kGet));
  EXPECT_EQ(upstream.connections(), 2) << "the endpoint's connection was used again";
  EXPECT_EQ(found(http::H1Reason::kUnexpectedBody, http::DesyncAction::kServeAndClose), 1U);
}

TEST_F(StrictnessTest, MonitorCountsAndServesOn) {
  options_.http.mode = http::DesyncMode::kMonitor;
  ScriptedUpstream upstream(answering([](const Message&) { return ok("hi"); }));
  start(upstream);
  Peer peer = client();
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(peer.send(kGetWithBody));
    ASSERT_TRUE(peer.read_message());
  }
  EXPECT_EQ(upstream.connections(), 1);
  EXPECT_EQ(found(http::H1Reason::kUnexpectedBody, http::DesyncAction::kServe), 2U);
}

TEST_F(StrictnessTest, StrictestRefuses) {
  options_.http.mode = http::DesyncMode::kStrictest;
  ScriptedUpstream upstream(answering([](const Message&) { return ok("hi"); }));
  start(upstream);
  const auto answer = ask(kGetWithBody);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 400);
  EXPECT_EQ(answer->field("X-Sluice-Reason"), "unexpected_body");
  EXPECT_EQ(upstream.connections(), 0);
  EXPECT_EQ(found(http::H1Reason::kUnexpectedBody, http::DesyncAction::kRefuse), 1U);
}

TEST_F(StrictnessTest, AListenersModeIsItsOwn) {
  world_.desync_mode = model::DesyncMode::kStrictest;
  ScriptedUpstream upstream(answering([](const Message&) { return ok("hi"); }));
  start(upstream);
  const auto answer = ask(kGetWithBody);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 400);
}

TEST_F(StrictnessTest, RequestTrailersReachTheEndpointButForOnesThatMustNot) {
  std::string seen;
  ScriptedUpstream upstream([&](Peer& peer) {
    seen = read_until(peer, "\r\n0\r\n");
    if (seen.find("X-Sum") == std::string::npos) seen += read_until(peer, "X-Sum: 1\r\n\r\n");
    peer.send(ok("hi"));
  });
  start(upstream);
  const auto answer =
      ask(kChunkedPost + "2\r\nab\r\n0\r\nHost: evil\r\nX-Sum: 1\r\nAuthorization: x\r\n\r\n");
  ASSERT_TRUE(answer);
  EXPECT_NE(seen.find("\r\n0\r\nX-Sum: 1\r\n\r\n"), std::string::npos) << seen;
  EXPECT_NE(seen.find("TE: trailers\r\nConnection: TE\r\n"), std::string::npos) << seen;
}

TEST_F(StrictnessTest, ResponseTrailersReachAClientThatAsksForThem) {
  ScriptedUpstream upstream(answering([](const Message&) {
    return std::string(
        "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"
        "X-Sum: 1\r\n\r\n");
  }));
  start(upstream);
  Peer willing = client();
  ASSERT_TRUE(willing.send("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n"));
  const std::string with = read_until(willing, "0\r\nX-Sum: 1\r\n\r\n");
  EXPECT_NE(with.find("Trailer: X-Sum\r\n"), std::string::npos) << with;
  EXPECT_NE(with.find("0\r\nX-Sum: 1\r\n\r\n"), std::string::npos) << with;
  Peer other = client();
  ASSERT_TRUE(other.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  const std::string without = read_until(other, "0\r\n\r\n");
  EXPECT_EQ(without.find("Trailer"), std::string::npos) << without;
  EXPECT_EQ(without.find("X-Sum"), std::string::npos) << without;
}

TEST_F(StrictnessTest, ABodyBeyondTheLimitIsRefusedWhetherDeclaredOrStreamed) {
  world_.max_body_bytes = 10;
  ScriptedUpstream upstream([](Peer& peer) {
    while (!peer.read_some().empty()) {
    }
  });
  start(upstream);
  const auto declared = ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n01234567890");
  ASSERT_TRUE(declared);
  EXPECT_EQ(declared->status, 413);
  EXPECT_EQ(declared->field("X-Sluice-Reason"), "body_too_large");
  EXPECT_EQ(upstream.connections(), 0);
  Peer peer = client();
  ASSERT_TRUE(peer.send(kChunkedPost + "8\r\n01234567\r\n"));
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.upstreams_open == 1; }));
  ASSERT_TRUE(peer.send("8\r\n01234567\r\n"));
  const auto streamed = peer.read_message();
  ASSERT_TRUE(streamed);
  EXPECT_EQ(streamed->status, 413);
  EXPECT_EQ(streamed->field("Connection"), "close");
}

// What smuggling needs is that the same bytes are cut differently behind us. Whatever is served, the endpoint gets
// exactly one request of it, and what stands behind comes from another one.
TEST_F(StrictnessTest, ASmuggledRequestIsNeverSeenByTheEndpoint) {
  std::mutex mutex;
  std::vector<std::string> seen;
  ScriptedUpstream upstream(answering([&](const Message& request) {
    const std::lock_guard lock(mutex);
    seen.push_back(request.start);
    return ok("hi");
  }));
  for (const http::DesyncMode mode : {http::DesyncMode::kMonitor, http::DesyncMode::kDefensive}) {
    options_.http.mode = mode;
    start(upstream);
    for (const std::string framing :
         {"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
          "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
          "Transfer-Encoding: xchunked\r\nContent-Length: 4\r\n",
          "Transfer-Encoding : chunked\r\nContent-Length: 4\r\n",
          "Content-Length: 0\r\nContent-Length: 40\r\n", "X: y\rTransfer-Encoding: chunked\r\n",
          "X: y\nContent-Length: 0\r\n", "Content-Length: +40\r\n",
          "Content-Length: 4\r\n 0\r\n"}) {
      const auto answer = ask("POST / HTTP/1.1\r\nHost: a\r\n" + framing +
                              "\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
      ASSERT_TRUE(answer) << framing;
      EXPECT_EQ(answer->status / 100, 4) << framing;
    }
    worker_->stop(Milliseconds(0));
  }
  EXPECT_TRUE(seen.empty()) << seen.front();
}

}  // namespace
}  // namespace sluice::proxy::testing
