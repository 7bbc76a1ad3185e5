// SPDX-License-Identifier: Apache-2.0
// PROXY headers from clients: whom they name, and who may send them.
#include <mutex>

#include "agent/net/proxy_protocol.hpp"
#include "tests/integration/proxy/proxy_fixture.hpp"

namespace sluice::proxy::testing {
namespace {

class ProxyHeaderTest : public ProxyTest {
 protected:
  // Answers with the client's address as the endpoint is told.
  ProxyHeaderTest()
      : upstream_(answering(
            [](const Message& request) { return ok(request.field("X-Forwarded-For")); })) {
    world_.proxy_protocol = true;
    world_.forwarded = model::ForwardedHeaders::kAdd;
    options_.trusted_cidrs = {*IpPrefix::parse("127.0.0.0/8")};
  }
  [[nodiscard]] static std::string header(std::uint8_t version) {
    std::string out;
    net::write_proxy_header(version,
                            net::ProxyAddresses{*SocketAddress::parse("203.0.113.9:4711"),
                                                *SocketAddress::parse("198.51.100.1:80")},
                            out);
    return out;
  }
  void expect_refused(const std::string& bytes, Ending ending) {
    Peer peer = client();
    ASSERT_TRUE(peer.send(bytes));
    EXPECT_TRUE(peer.at_end());
    EXPECT_EQ(count(ending), 1U) << label_of(ending);
    EXPECT_EQ(report().requests, 0U);
  }

  ScriptedUpstream upstream_;
};

TEST_F(ProxyHeaderTest, ATrustedHeaderSaysWhoTheClientIs) {
  start(upstream_);
  for (const std::uint8_t version : {std::uint8_t{1}, std::uint8_t{2}}) {
    const auto answer = ask(header(version) + kGet);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "203.0.113.9");
  }
}

TEST_F(ProxyHeaderTest, AHeaderMayComeInPiecesAndIsReadOnce) {
  start(upstream_);
  for (const std::uint8_t version : {std::uint8_t{1}, std::uint8_t{2}}) {
    Peer peer = client();
    for (const char byte : header(version)) {
      ASSERT_TRUE(peer.send({&byte, 1}));
      (void)report();  // the worker has had a turn, mostly
    }
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(peer.send(kGet));
      const auto answer = peer.read_message();
      ASSERT_TRUE(answer);
      EXPECT_EQ(answer->body, "203.0.113.9");
    }
    // Later on the connection it is an invalid request.
    ASSERT_TRUE(peer.send(header(version)));
    const auto answer = peer.read_message();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 400);
  }
}

TEST_F(ProxyHeaderTest, AProxysOwnConnectionsKeepTheirAddress) {
  start(upstream_);
  for (const std::uint8_t version : {std::uint8_t{1}, std::uint8_t{2}}) {
    std::string own;
    net::write_proxy_header(version, std::nullopt, own);
    const auto answer = ask(own + kGet);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "127.0.0.1");
  }
}

TEST_F(ProxyHeaderTest, ATrustedProxyMustSendOne) {
  start(upstream_);
  expect_refused(kGet, Ending::kProxyHeader);
}

TEST_F(ProxyHeaderTest, AnInvalidHeaderIsRefused) {
  start(upstream_);
  expect_refused("PROXY TCP4 nonsense\r\n" + kGet, Ending::kProxyHeader);
}

TEST_F(ProxyHeaderTest, ATrustedProxyThatSaysNothingIsNotWaitedForForever) {
  options_.head_timeout = Milliseconds(20);
  start(upstream_);
  expect_refused("PROXY TCP4 ", Ending::kProxyHeader);
}

TEST_F(ProxyHeaderTest, NobodyElseMaySendOne) {
  options_.trusted_cidrs = {*IpPrefix::parse("10.0.0.0/8")};
  start(upstream_);
  expect_refused(header(1) + kGet, Ending::kProxyUntrusted);
  const auto answer = ask(kGet);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "127.0.0.1");
}

TEST_F(ProxyHeaderTest, WithoutTheAnnotationAHeaderIsAnInvalidRequest) {
  world_.proxy_protocol = false;
  start(upstream_);
  const auto answer = ask(header(1) + kGet);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 400);
}

// Byte by byte: the request behind it stays for read_message().
net::ProxyParse read_header(Peer& peer) {
  std::string bytes;
  net::ProxyParse parse;
  while (parse.state == net::ProxyParse::State::kNeedMore) {
    bytes += peer.read_exactly(1);
    parse = net::parse_proxy_header(bytes);
  }
  return parse;
}

TEST_F(ProxyHeaderTest, AnEndpointIsToldTheClientAheadOfEachConnection) {
  world_.proxy_protocol = false;
  for (const std::uint8_t version : {std::uint8_t{1}, std::uint8_t{2}}) {
    std::mutex mutex;
    std::vector<SocketAddress> told;
    ScriptedUpstream endpoint([&](Peer& peer) {
      const net::ProxyParse parse = read_header(peer);
      if (parse.header.addresses) {
        const std::lock_guard lock(mutex);
        told.push_back(parse.header.addresses->source);
      }
      if (peer.read_message()) peer.send(ok("told"));
      EXPECT_TRUE(peer.at_end());  // kept for nobody
    });
    auto policy = std::make_shared<model::TrafficPolicy>();
    policy->proxy_protocol = version;
    world_.policy = policy;
    start(endpoint);
    std::vector<SocketAddress> clients;
    for (int i = 0; i < 2; ++i) {
      Peer peer = client();
      for (int k = 0; k < 2; ++k) {
        clients.push_back(net::local_address(peer.fd()));
        ASSERT_TRUE(peer.send(kGet));
        const auto answer = peer.read_message();
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->body, "told");
      }
    }
    EXPECT_EQ(endpoint.connections(), 4);
    const std::lock_guard lock(mutex);
    EXPECT_EQ(told, clients);
    worker_->stop(Milliseconds(0));
  }
}

TEST_F(ProxyHeaderTest, MirrorsAreToldToo) {
  std::mutex mutex;
  std::vector<SocketAddress> told;
  ScriptedUpstream mirror([&](Peer& peer) {
    const net::ProxyParse parse = read_header(peer);
    const auto copy = peer.read_message();
    if (!copy || !parse.header.addresses) return;
    {
      const std::lock_guard lock(mutex);
      told.push_back(parse.header.addresses->source);
    }
    peer.send(ok("seen"));
    EXPECT_TRUE(peer.at_end());  // kept for nobody
  });
  ScriptedUpstream endpoint([](Peer& peer) {
    if (read_header(peer).header.addresses && peer.read_message()) peer.send(ok("served"));
  });
  auto policy = std::make_shared<model::TrafficPolicy>();
  policy->proxy_protocol = 2;
  world_.proxy_protocol = false;
  world_.policy = policy;
  world_.subsets = {{.endpoints = {endpoint.address()}},
                    {.name = "mirror", .endpoints = {mirror.address()}}};
  world_.edit_route = [](model::Route& route) {
    route.destinations.resize(1);
    route.mirrors.push_back({cluster_key("mirror"), model::Fraction{}, {}});
  };
  start();
  Peer peer = client();
  ASSERT_TRUE(peer.send(kGet));
  ASSERT_TRUE(peer.read_message());
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.mirrors_answered == 1; }));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(told, std::vector{net::local_address(peer.fd())});
}

}  // namespace
}  // namespace sluice::proxy::testing
