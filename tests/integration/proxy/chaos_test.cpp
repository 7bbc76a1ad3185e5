// SPDX-License-Identifier: Apache-2.0
// Clients and endpoints that misbehave at random, all at once: a complete answer is always the right one, and when they
// are gone the worker holds nothing of theirs.
#include <random>

#include "tests/integration/proxy/proxy_fixture.hpp"

namespace sluice::proxy::testing {
namespace {

constexpr int kClients = 8;
constexpr int kConnections = 60;  // of each client

// The answer depends on the request alone, so that an answer to another request shows.
std::string body_for(const std::string& id) {
  const std::size_t size = std::hash<std::string>{}(id) % 3 == 0 ? 200'000 : 20;
  std::string body = id + ":";
  while (body.size() < size) body += id;
  return body;
}

class Chaos {
 public:
  explicit Chaos(unsigned seed) : random_(seed) {}
  unsigned roll(unsigned sides) {
    const std::lock_guard lock(mutex_);
    return static_cast<unsigned>(random_() % sides);
  }

 private:
  std::mutex mutex_;
  std::mt19937 random_;
};

bool misbehave(Chaos& chaos, Peer& peer, const std::string& answer) {
  switch (chaos.roll(16)) {
    case 0:
      return false;  // closes without an answer
    case 1:
      peer.reset();
      return false;
    case 2:
      peer.send(answer.substr(0, answer.size() / 2));
      return false;
    case 3:
      peer.send(answer.substr(0, answer.size() - 1));
      peer.reset();
      return false;
    case 4:
      peer.send("HTTP/1.1 200 OK\nX: bare line feed\n\n");
      return false;
    case 5:
      peer.send(answer);
      return false;  // closes although it did not say so
    case 6:
      return peer.send("HTTP/1.1 103 Early Hints\r\n\r\n" + answer);
    case 7:
      return peer.send(answer.substr(0, 30)) && peer.send(answer.substr(30));
    default:
      return peer.send(answer);
  }
}

std::string encode(Chaos& chaos, const std::string& body, const std::string& id) {
  const std::string id_field = "X-Id: " + id + "\r\n";
  if (chaos.roll(2) == 0) return ok(body, id_field);
  std::array<char, 20> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", body.size());
  return "HTTP/1.1 200 OK\r\n" + id_field + "Transfer-Encoding: chunked\r\n\r\n" + size.data() +
         body + "\r\n0\r\n\r\n";
}

// One connection of a client; counts complete answers.
void converse(Chaos& chaos, Peer peer, const std::string& name, std::atomic<int>& complete) {
  for (int i = 0; i < 6; ++i) {
    const std::string id = name + "." + std::to_string(i);
    std::string request = "POST / HTTP/1.1\r\nHost: a\r\nX-Id: " + id + "\r\n";
    const std::string body(chaos.roll(4) == 0 ? 150'000 : 10, 'b');
    const bool chunks = chaos.roll(2) == 0;
    request += chunks
                   ? "Transfer-Encoding: chunked\r\n\r\n" + std::string("5\r\nhello\r\n0\r\n\r\n")
                   : "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    const unsigned action = chaos.roll(12);
    if (action == 0) {
      peer.send(request.substr(0, chaos.roll(static_cast<unsigned>(request.size()))));
      peer.reset();
      return;
    }
    if (action == 1) {
      peer.send(request);
      peer.close();
      return;
    }
    if (action == 2) {
      peer.send("GARBAGE\r\n\r\n");
      return;
    }
    if (!peer.send(request)) return;
    auto answer = peer.read_message();
    while (answer && answer->status == 103) answer = peer.read_message();
    if (!answer || !answer->complete) return;
    if (answer->status != 200) continue;
    EXPECT_EQ(answer->field("X-Id"), id);
    EXPECT_TRUE(answer->body == body_for(id));
    ++complete;
  }
}

TEST_F(ProxyTest, ChaosLeavesNothingBehindAndNeverMixesAnswers) {
  Chaos chaos(11);
  const auto script = [&](Peer& peer) {
    while (const auto request = peer.read_message()) {
      const std::string id = request->field("X-Id");
      if (!request->complete || !misbehave(chaos, peer, encode(chaos, body_for(id), id))) return;
    }
  };
  ScriptedUpstream one(script);
  ScriptedUpstream two(script);
  world_.subsets = {{.endpoints = {one.address(), two.address()}}};
  start();
  std::atomic<int> complete{0};
  std::vector<std::thread> clients;
  for (int c = 0; c < kClients; ++c) {
    clients.emplace_back([&, c] {
      for (int i = 0; i < kConnections; ++i) {
        converse(chaos, client(), std::to_string(c) + "." + std::to_string(i), complete);
      }
    });
  }
  for (std::thread& thread : clients) thread.join();
  EXPECT_GT(complete, kClients * kConnections);
  EXPECT_TRUE(eventually([](const WorkerReport& r) {
    return r.connections_open == 0 && r.upstreams_open == r.upstreams_idle && r.buffer_bytes == 0;
  })) << report().connections_open
      << " connections, " << report().upstreams_open << " upstreams, " << report().buffer_bytes
      << " bytes";
  worker_->stop(Milliseconds(0));
  EXPECT_EQ(report().upstreams_open, 0U);
}

}  // namespace
}  // namespace sluice::proxy::testing
