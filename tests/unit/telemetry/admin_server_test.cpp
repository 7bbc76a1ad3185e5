// SPDX-License-Identifier: Apache-2.0
// The admin listener over real loopback sockets: slow, rude and many clients.
#include "agent/telemetry/admin_server.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <vector>

#include "agent/base/unique_fd.hpp"

namespace sluice::telemetry {
namespace {

class AdminServerTest : public testing::Test {
 protected:
  void SetUp() override {
    AdminCallbacks callbacks;
    callbacks.metrics = [this] { return metrics_; };
    callbacks.health = [] { return std::string(); };
    callbacks.ready = [] { return std::string("starting"); };
    auto server = AdminServer::start({*IpAddress::parse("127.0.0.1"), 0}, std::move(callbacks));
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    ASSERT_NE(server_->address().port, 0);
  }

  [[nodiscard]] UniqueFd connect() const {
    sockaddr_storage storage{};
    const socklen_t length = server_->address().to_sockaddr(storage);
    UniqueFd fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval limit{20, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), length), 0);
    return fd;
  }
  static void send(const UniqueFd& fd, const std::string& text) {
    ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }
  static std::string read_all(const UniqueFd& fd) {
    std::string out;
    std::array<char, 65536> buffer{};
    for (;;) {
      const ssize_t got = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
      if (got <= 0) return got == 0 ? out : out + "<error>";
      out.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
  std::string ask(const std::string& request) {
    const UniqueFd fd = connect();
    send(fd, request);
    return read_all(fd);
  }

  std::string metrics_ = "sluice_up 1\n";
  std::unique_ptr<AdminServer> server_;
};

TEST_F(AdminServerTest, ServesMetricsAndProbes) {
  const std::string metrics = ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(metrics.starts_with("HTTP/1.1 200 ")) << metrics;
  EXPECT_TRUE(metrics.ends_with("\r\n\r\nsluice_up 1\n")) << metrics;
  EXPECT_TRUE(ask("GET /healthz HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(ask("GET /readyz HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 503 "));
}

TEST_F(AdminServerTest, AnswersByteByByteClients) {
  const UniqueFd fd = connect();
  for (const char c : std::string("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))
    send(fd, std::string(1, c));
  EXPECT_TRUE(read_all(fd).starts_with("HTTP/1.1 200 "));
}

TEST_F(AdminServerTest, GarbageAndTooLongHeadsGetAnAnswerAndAClose) {
  EXPECT_TRUE(ask("\x16\x03\x01 nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(
      ask("GET / HTTP/1.1\r\nX: " + std::string(100'000, 'a')).starts_with("HTTP/1.1 431 "));
  EXPECT_TRUE(ask("DELETE /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
}

TEST_F(AdminServerTest, ALargeAnswerReachesAClientThatReadsLate) {
  metrics_ = std::string(32UL * 1024 * 1024, 'm');
  const UniqueFd slow = connect();
  send(slow, "GET /metrics HTTP/1.1\r\n\r\n");
  // Others are served meanwhile.
  EXPECT_TRUE(ask("GET /healthz HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200 "));
  const std::string answer = read_all(slow);
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, metrics_.size());
}

TEST_F(AdminServerTest, IdleClientsCannotLockOutAScrape) {
  std::vector<UniqueFd> idle;
  for (int i = 0; i < 100; ++i) idle.push_back(connect());
  EXPECT_TRUE(ask("GET /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200 "));
  // The bound: the first ones were given up for the later ones.
  EXPECT_EQ(read_all(idle.front()), "");
}

TEST_F(AdminServerTest, ClientsThatVanishAreForgotten) {
  for (int i = 0; i < 200; ++i) {
    const UniqueFd fd = connect();
    send(fd, i % 2 == 0 ? "GET /met" : "GET /metrics HTTP/1.1\r\n\r\n");
  }
  EXPECT_TRUE(ask("GET /healthz HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200 "));
}

TEST_F(AdminServerTest, StopsWithOpenConnections) {
  const UniqueFd fd = connect();
  server_.reset();
  EXPECT_EQ(read_all(fd).find("HTTP"), std::string::npos);
}

TEST_F(AdminServerTest, ATakenPortIsAnErrorThatNamesTheFlag) {
  const auto second = AdminServer::start(server_->address(), {});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find(to_string(server_->address())), std::string::npos);
  EXPECT_NE(second.error().message.find("--admin"), std::string::npos);
}

}  // namespace
}  // namespace sluice::telemetry
