// SPDX-License-Identifier: Apache-2.0
// What is recorded of requests that are over, through the whole proxy.
#include <mutex>
#include <vector>

#include "agent/proxy/access_record.hpp"
#include "tests/integration/proxy/proxy_fixture.hpp"

namespace sluice::proxy::testing {
namespace {

class Recorder final : public AccessSink {
 public:
  struct Who {
    SocketAddress client;
    SocketAddress peer;
    std::uint16_t status;
  };
  bool wants() override { return true; }
  void record(const AccessRecord& record) override {
    const std::lock_guard lock(mutex_);
    records_.push_back({record.client, record.peer, record.status});
  }
  void record(const CarriedRecord&) override {}
  std::vector<Who> records() {
    const std::lock_guard lock(mutex_);
    return records_;
  }

 private:
  std::mutex mutex_;
  std::vector<Who> records_;
};

TEST_F(ProxyTest, TheClientInTheAccessLogIsWhomATrustedProxyNames) {
  ScriptedUpstream upstream(answering([](const Message&) { return ok("x"); }));
  Recorder recorder;
  options_.access_sink = &recorder;
  options_.trust.cidrs.push_back(IpPrefix::parse("127.0.0.0/8").value());
  world_.forwarded = model::ForwardedHeaders::kAdd;
  start(upstream);
  Peer peer = client();
  const auto ask = [&](const std::string& fields) {
    ASSERT_TRUE(peer.send("GET / HTTP/1.1\r\nHost: echo.test\r\n" + fields + "\r\n"));
    ASSERT_TRUE(peer.read_message());
  };
  ask("X-Forwarded-For: 203.0.113.9\r\n");
  ask("");
  ask("no good\r\n");  // says nothing of a client, and is not taken for the one before
  ASSERT_TRUE(eventually([&](const auto&) { return recorder.records().size() == 3; }));
  const auto records = recorder.records();
  const IpAddress loopback = IpAddress::parse("127.0.0.1").value();
  EXPECT_EQ(to_string(records[0].client.ip), "203.0.113.9");
  EXPECT_EQ(records[0].client.port, 0);
  EXPECT_EQ(records[0].peer.ip, loopback);
  EXPECT_NE(records[0].peer.port, 0);
  for (const auto& record : {records[1], records[2]}) EXPECT_EQ(record.client, record.peer);
  EXPECT_EQ(records[2].status, 400);
  worker_->stop(Milliseconds(0));  // before the recorder goes
}

}  // namespace
}  // namespace sluice::proxy::testing
