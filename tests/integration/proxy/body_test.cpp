// SPDX-License-Identifier: Apache-2.0
// Bodies in both directions: large ones through small buffers, slow readers, answers before the end of the request.
#include "tests/integration/proxy/proxy_fixture.hpp"
#include "tests/support/body_pattern.hpp"

namespace sluice::proxy::testing {
namespace {

constexpr std::size_t kLarge = 16U * 1024 * 1024;
constexpr std::uint64_t kSeed = 5;

std::string pattern(std::size_t size) {
  std::string out;
  while (out.size() < size)
    out.append(support::pattern_piece(kSeed, out.size(), size - out.size()));
  return out;
}

std::string chunked(const std::string& body) {
  std::string out;
  std::size_t size = 1;
  for (std::size_t at = 0; at < body.size(); at += size, size = size * 3 % 70'001 + 1) {
    const std::string piece = body.substr(at, size);
    std::array<char, 20> line{};
    std::snprintf(line.data(), line.size(), "%zx;ext=1\r\n", piece.size());
    out += line.data() + piece + "\r\n";
  }
  return out + "0\r\nX-Trailer: 1\r\n\r\n";
}

class BodyTest : public ProxyTest {
 protected:
  const std::string large_ = pattern(kLarge);
};

TEST_F(BodyTest, LargeBodiesArriveWholeInBothDirectionsAndFramings) {
  const std::string chunks = chunked(large_);
  ScriptedUpstream upstream(answering([&](const Message& request) {
    EXPECT_TRUE(request.complete);
    EXPECT_TRUE(request.body == large_);
    if (request.field("Transfer-Encoding").empty()) {
      return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks;
    }
    return ok(large_);
  }));
  start(upstream);
  Peer peer = client();
  for (const bool as_chunks : {false, true, false}) {
    const std::string head =
        as_chunks ? "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                  : "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(kLarge) +
                        "\r\n\r\n";
    ASSERT_TRUE(peer.send(head + (as_chunks ? chunks : large_)));
    const auto answer = peer.read_message();
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->complete);
    EXPECT_TRUE(answer->body == large_);
  }
}

TEST_F(BodyTest, AClientThatDoesNotReadStopsTheEndpoint) {
  ScriptedUpstream upstream(answering([&](const Message&) { return ok(large_); }));
  start(upstream);
  Peer peer = client(64 * 1024);
  ASSERT_TRUE(peer.send(kGet));
  // Until the proxy has begun to keep what the client does not take.
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.buffer_bytes > 0; }));
  std::uint64_t most = 0;
  for (int i = 0; i < 200; ++i) most = std::max(most, report().buffer_bytes);
  EXPECT_LE(most, 2U * options_.buffer_bytes + 16'384U);
  EXPECT_LT(report().bytes_sent, kLarge);
  const auto answer = peer.read_message();
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->body == large_);
  EXPECT_TRUE(eventually([](const WorkerReport& r) { return r.buffer_bytes == 0; }));
}

TEST_F(BodyTest, AnEndpointThatDoesNotReadStopsTheClient) {
  std::atomic<bool> read_on{false};
  ScriptedUpstream upstream([&](Peer& peer) {
    while (!read_on) std::this_thread::yield();
    const auto request = peer.read_message();
    ASSERT_TRUE(request);
    EXPECT_TRUE(request->body == large_);
    peer.send(ok("done"));
  });
  start(upstream);
  Peer peer = client();
  std::thread sender([&] {
    peer.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(kLarge) +
              "\r\n\r\n");
    peer.send(large_);
  });
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.buffer_bytes > 0; }));
  std::uint64_t most = 0;
  for (int i = 0; i < 200; ++i) most = std::max(most, report().buffer_bytes);
  EXPECT_LE(most, 2U * options_.buffer_bytes + 16'384U);
  EXPECT_LT(report().bytes_received, kLarge);
  read_on = true;
  sender.join();
  const auto answer = peer.read_message();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "done");
}

TEST_F(BodyTest, ASmallBufferLimitIsKept) {
  options_.buffer_bytes = 4096;
  ScriptedUpstream upstream(answering([&](const Message&) { return ok(large_); }));
  start(upstream);
  Peer peer = client(64 * 1024);
  ASSERT_TRUE(peer.send(kGet));
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.buffer_bytes > 0; }));
  EXPECT_LE(report().buffer_bytes, 16'384U);
  const auto answer = peer.read_message();
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->body == large_);
}

TEST_F(BodyTest, AnEarlyAnswerReachesAClientThatIsStillSending) {
  ScriptedUpstream upstream([&](Peer& peer) {
    EXPECT_FALSE(peer.read_some().empty());
    peer.send(
        "HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmuch");
  });
  start(upstream);
  Peer peer = client();
  ASSERT_TRUE(peer.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\nbegin"));
  const auto answer = peer.read_message();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 413);
  EXPECT_EQ(answer->body, "much");
  EXPECT_EQ(answer->field("Connection"), "close");
  // Still sending does not destroy the answer, and does not go on for ever.
  EXPECT_TRUE(peer.at_end());
  EXPECT_TRUE(peer.ended_cleanly());
  bool refused = false;
  for (int i = 0; i < 1000 && !refused; ++i) refused = !peer.send(large_.substr(0, 65'536));
  EXPECT_TRUE(refused);
}

TEST_F(BodyTest, AnEndpointMayAnswerWhileItReads) {
  ScriptedUpstream upstream([&](Peer& peer) {
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) head += peer.read_some();
    std::string body = head.substr(head.find("\r\n\r\n") + 4);
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 4; ++i) {
      while (body.size() < 5) body += peer.read_some();
      peer.send("5\r\n" + body.substr(0, 5) + "\r\n");
      body.erase(0, 5);
    }
    peer.send("0\r\n\r\n");
  });
  start(upstream);
  Peer peer = client();
  ASSERT_TRUE(peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n"));
  std::string seen;
  for (const std::string piece : {"aaaaa", "bbbbb", "ccccc", "ddddd"}) {
    ASSERT_TRUE(peer.send(piece));
    while (seen.find(piece) == std::string::npos) {
      const std::string more = peer.read_some();
      ASSERT_FALSE(more.empty());
      seen += more;
    }
  }
}

}  // namespace
}  // namespace sluice::proxy::testing
