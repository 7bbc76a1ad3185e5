// SPDX-License-Identifier: Apache-2.0
// UDP listeners: datagrams pass both ways unchanged, each client keeps its endpoint, and what cannot be served is
// counted and harms no other client.
#include <poll.h>

#include <set>

#include "agent/net/datagram.hpp"
#include "tests/integration/proxy/proxy_fixture.hpp"

namespace sluice::proxy::testing {
namespace {

std::string read_datagram(int fd, SocketAddress* from = nullptr, int limit_ms = 30'000) {
  pollfd ready{fd, POLLIN, 0};
  if (poll(&ready, 1, limit_ms) <= 0) return "nothing came";
  std::vector<char> buffer(net::kLargestDatagram);
  const auto datagram = net::receive_datagram(fd, buffer);
  if (!datagram) return "failed";
  if (from != nullptr) *from = datagram->peer;
  return std::string(datagram->payload);
}

// Answers each datagram with its own name and what came, until it is destroyed.
class UdpEcho {
 public:
  explicit UdpEcho(std::string name, std::string bind = "127.0.0.1")
      : name_(std::move(name)), socket_(*net::bind_udp(IpAddress::parse(bind), 0)) {
    thread_ = std::thread([this] {
      std::vector<char> buffer(net::kLargestDatagram);
      while (!done_) {
        pollfd ready{socket_.get(), POLLIN, 0};
        if (poll(&ready, 1, 20) <= 0) continue;
        const auto got = net::receive_datagram(socket_.get(), buffer);
        if (!got) continue;
        const std::string answer = name_ + std::string(got->payload);
        net::send_datagram(socket_.get(), answer, got->local, got->peer);
      }
    });
  }
  ~UdpEcho() {
    done_ = true;
    thread_.join();
  }
  [[nodiscard]] SocketAddress address() const { return net::local_address(socket_.get()); }

 private:
  std::string name_;
  UniqueFd socket_;
  std::atomic<bool> done_{false};
  std::thread thread_;
};

class UdpTest : public ProxyTest {
 protected:
  UdpTest() { world_.udp = true; }
  void start_udp(std::optional<IpAddress> bind = IpAddress::parse("127.0.0.1")) {
    auto socket = net::bind_udp(bind, 0);
    ASSERT_TRUE(socket) << socket.error().message;
    start();
    world_.port = net::local_address(socket->get()).port;
    udp_ = {*IpAddress::parse("127.0.0.1"), world_.port};
    publish(2);
    worker_->add_datagram_socket(std::move(*socket));
  }
  void publish(std::uint64_t generation) {
    worker_->publish(make_snapshot(world_, generation));
    ASSERT_TRUE(eventually([&](const WorkerReport& r) { return r.generation == generation; }));
  }
  [[nodiscard]] UniqueFd udp_client() const { return std::move(*net::connect_udp(udp_)); }
  [[nodiscard]] static std::string ask(const UniqueFd& client, const std::string& what) {
    if (!net::send_datagram(client.get(), what)) return "not sent";
    return read_datagram(client.get());
  }
  model::TrafficPolicy& policy() {
    auto policy = std::make_shared<model::TrafficPolicy>();
    world_.policy = policy;
    return *policy;
  }

  SocketAddress udp_;
};

TEST_F(UdpTest, DatagramsOfAllSizesPassBothWaysUnchanged) {
  const UdpEcho echo("");
  world_.subsets = {{.endpoints = {echo.address()}}};
  start_udp();
  const UniqueFd client = udp_client();
  for (const std::size_t size : {0UL, 1UL, 512UL, 1'472UL, 9'000UL, 65'000UL}) {
    std::string bytes(size, 'x');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + size);
    EXPECT_EQ(ask(client, bytes), bytes) << size;
  }
  const WorkerReport seen = report();
  EXPECT_EQ(seen.udp_sessions, 1U);
  EXPECT_EQ(seen.udp_open, 1U);
  EXPECT_EQ(seen.udp_received, 6U);
  EXPECT_EQ(seen.udp_sent, 6U);
  EXPECT_EQ(seen.clusters.at(cluster_key("v1")).udp_in, 6U);
  EXPECT_EQ(seen.clusters.at(cluster_key("v1")).udp_bytes_out, 1U + 512 + 1'472 + 9'000 + 65'000);
}

TEST_F(UdpTest, ClientsKeepTheirEndpointAndSharesAreOfClients) {
  const UdpEcho a("a");
  const UdpEcho b("b");
  world_.subsets = {{.name = "v1", .weight = 3, .endpoints = {a.address()}},
                    {.name = "v2", .weight = 1, .endpoints = {b.address()}}};
  start_udp();
  int to_a = 0;
  for (int i = 0; i < 20; ++i) {
    const UniqueFd client = udp_client();
    const std::string first = ask(client, "!");
    for (int j = 0; j < 3; ++j) EXPECT_EQ(ask(client, "!"), first);
    to_a += first == "a!" ? 1 : 0;
  }
  EXPECT_EQ(to_a, 15);
}

TEST_F(UdpTest, AnswersComeFromTheAddressThatWasAsked) {
  const UdpEcho echo("");
  world_.subsets = {{.endpoints = {echo.address()}}};
  start_udp(std::nullopt);
  auto socket = net::bind_udp(IpAddress::parse("127.0.0.1"), 0);
  const SocketAddress asked{*IpAddress::parse("127.0.0.9"), udp_.port};
  ASSERT_TRUE(net::send_datagram(socket->get(), "hello", {}, asked));
  SocketAddress from;
  EXPECT_EQ(read_datagram(socket->get(), &from), "hello");
  EXPECT_EQ(from, asked);
}

TEST_F(UdpTest, AnEndpointThatGoesIsLeftWithTheNextDatagram) {
  const UdpEcho a("a");
  const UdpEcho b("b");
  world_.subsets = {{.endpoints = {a.address()}}};
  start_udp();
  const UniqueFd client = udp_client();
  EXPECT_EQ(ask(client, "1"), "a1");
  world_.subsets = {{.endpoints = {a.address(), b.address()}}};
  publish(3);
  EXPECT_EQ(ask(client, "2"), "a2") << "it may stay";
  world_.subsets = {{.endpoints = {b.address()}}};
  publish(4);
  EXPECT_EQ(ask(client, "3"), "b3");
  EXPECT_EQ(report().udp_sessions, 1U);
}

TEST_F(UdpTest, AnEndpointWhereNobodyReceivesIsCountedAndTheNextOneTaken) {
  SocketAddress nobody;
  {
    nobody = UdpEcho("").address();
  }
  const UdpEcho alive("ok");
  world_.subsets = {{.endpoints = {nobody, alive.address()}}};
  start_udp();
  std::set<std::string> answers;
  for (int i = 0; i < 2; ++i) {  // one of them begins at the endpoint that is not there
    const UniqueFd client = udp_client();
    std::string answer;
    for (int tries = 0; tries < 50 && answer != "ok?"; ++tries) {
      ASSERT_TRUE(net::send_datagram(client.get(), "?"));
      answer = read_datagram(client.get(), nullptr, 1'000);
    }
    answers.insert(answer);
  }
  EXPECT_EQ(answers, std::set<std::string>{"ok?"});
  EXPECT_GE(count(Ending::kUdpRefused), 1U);
}

TEST_F(UdpTest, SilentSessionsEnd) {
  const UdpEcho echo("");
  policy().connection_pool.tcp_idle_timeout = Milliseconds(50);
  world_.subsets = {{.endpoints = {echo.address()}}};
  start_udp();
  const UniqueFd client = udp_client();
  EXPECT_EQ(ask(client, "x"), "x");
  EXPECT_TRUE(eventually([](const WorkerReport& r) { return r.udp_open == 0; }));
  EXPECT_EQ(ask(client, "y"), "y") << "and begin again";
  EXPECT_EQ(report().udp_sessions, 2U);
}

TEST_F(UdpTest, LimitsHoldForNewClientsOnly) {
  const UdpEcho echo("");
  world_.subsets = {{.endpoints = {echo.address()}}};
  world_.max_connections = 1;
  start_udp();
  const UniqueFd first = udp_client();
  EXPECT_EQ(ask(first, "x"), "x");
  const UniqueFd second = udp_client();
  ASSERT_TRUE(net::send_datagram(second.get(), "y"));
  EXPECT_TRUE(eventually([](const WorkerReport& r) {
    return r.endings[static_cast<std::size_t>(Ending::kListenerLimit)] == 1;
  }));
  EXPECT_EQ(ask(first, "z"), "z");
}

TEST_F(UdpTest, WithoutAnEndpointDatagramsAreCountedAndDropped) {
  world_.subsets = {{.endpoints = {}}};
  start_udp();
  const UniqueFd client = udp_client();
  ASSERT_TRUE(net::send_datagram(client.get(), "x"));
  EXPECT_TRUE(eventually([](const WorkerReport& r) {
    return r.endings[static_cast<std::size_t>(Ending::kNoEndpoint)] == 1;
  }));
}

}  // namespace
}  // namespace sluice::proxy::testing
