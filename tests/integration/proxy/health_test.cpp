// SPDX-License-Identifier: Apache-2.0
// Endpoints that are slow, failing or new, through the whole proxy.
#include <atomic>
#include <ctime>
#include <map>

#include "tests/integration/proxy/policy_fixture.hpp"

namespace sluice::proxy::testing {
namespace {

class HealthTest : public PolicyTest {
 protected:
  HealthTest() { options_.registry = registry_; }
  // Of `requests`, how many each endpoint answered.
  std::map<std::string, int> spread(int requests) {
    std::map<std::string, int> out;
    for (int i = 0; i < requests; ++i) ++out[who()];
    return out;
  }
  const std::shared_ptr<health::Registry> registry_ = std::make_shared<health::Registry>(clock_);
};

TEST_F(HealthTest, LeastRequestAvoidsASlowEndpoint) {
  Gate gate;
  upstreams_.emplace_back(answering([&](const Message&) {
    gate.pass();
    return ok("slow");
  }));
  upstreams_.emplace_back(answering([](const Message&) { return ok("fast"); }));
  subset();
  start();
  // Whoever of two clients gets the slow one waits; from then on it has one request in flight.
  Peer first = client();
  Peer second = client();
  ASSERT_TRUE(first.send(kGet));
  ASSERT_TRUE(second.send(kGet));
  ASSERT_TRUE(gate.wait_for(1));
  ASSERT_TRUE(eventually([](const auto& report) {
    return report.clusters.at(cluster_key("v1")).responses[2] == 1;  // the fast one is idle again
  }));
  EXPECT_EQ(spread(50), (std::map<std::string, int>{{"fast", 50}}));
  gate.open();
  EXPECT_TRUE(first.read_message());
  EXPECT_TRUE(second.read_message());
}

TEST_F(HealthTest, AFailingEndpointIsEjectedAndTakenBack) {
  std::atomic<bool> broken{true};
  upstreams_.emplace_back(answering([&](const Message&) {
    return broken ? "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n" : ok("cured");
  }));
  upstreams_.emplace_back(answering([](const Message&) { return ok("well"); }));
  subset().policy.outlier_detection =
      model::OutlierDetection{.consecutive_5xx_errors = 3, .base_ejection_time = Milliseconds(200)};
  start();
  EXPECT_EQ(spread(20), (std::map<std::string, int>{{"", 3}, {"well", 17}}));
  EXPECT_EQ(registry_->views().at(0).ejected, 1U);
  broken = false;
  const TimePoint end = clock_.now() + std::chrono::seconds(10);
  while (registry_->views().at(0).ejected > 0 && clock_.now() < end) registry_->sweep();
  EXPECT_EQ(spread(20), (std::map<std::string, int>{{"cured", 10}, {"well", 10}}));
}

TEST_F(HealthTest, AnEndpointThatRefusesIsEjected) {
  start_endpoints(1);
  auto closed = make_listening_socket(IpAddress::parse("127.0.0.1"), 0);
  ASSERT_TRUE(closed);
  subset().endpoints.push_back(net::local_address(closed->get()));
  closed->reset();
  subset().policy.outlier_detection = model::OutlierDetection{
      .split_external_local_origin_errors = true, .consecutive_local_origin_failures = 2};
  start();
  EXPECT_EQ(spread(20), (std::map<std::string, int>{{"0", 20}}));  // tried elsewhere
  EXPECT_EQ(registry_->views().at(0).ejected, 1U);
  EXPECT_EQ(report().clusters[cluster_key("v1")].connect_failures, 2U);
}

TEST_F(HealthTest, WithAllEjectedTheAnswerIs503UnlessThatIsPanic) {
  upstreams_.emplace_back(
      answering([](const Message&) { return "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"; }));
  subset().policy.outlier_detection = model::OutlierDetection{.consecutive_5xx_errors = 1};
  start();
  EXPECT_EQ(ask(kGet)->status, 500);
  const auto refused = ask(kGet);
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->field("X-Sluice-Reason"), "no_endpoint");
  subset().policy.outlier_detection->min_health_percent = 50;
  publish(2);
  EXPECT_EQ(ask(kGet)->status, 500);
}

TEST_F(HealthTest, AnEjectionOutlivesAChangeOfTheConfiguration) {
  upstreams_.emplace_back(
      answering([](const Message&) { return "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"; }));
  start_endpoints(1);
  subset().policy.outlier_detection = model::OutlierDetection{.consecutive_5xx_errors = 1};
  start();
  EXPECT_EQ(spread(10), (std::map<std::string, int>{{"", 1}, {"0", 9}}));
  world_.subsets[0].endpoints.push_back(upstreams_[1].address());
  world_.subsets[0].endpoints.pop_back();
  world_.path_prefix = "/";
  publish(2);
  EXPECT_EQ(spread(10), (std::map<std::string, int>{{"0", 10}}));
}

TEST_F(HealthTest, ANewEndpointWarmsUp) {
  start_endpoints(2);
  subset().policy.load_balancer.warmup =
      model::Warmup{.duration = std::chrono::hours(10), .minimum_percent = 10};
  subset().last_ready_since = std::time(nullptr);
  start();
  const auto counts = spread(110);
  EXPECT_NEAR(counts.at("1"), 10, 2);
}

}  // namespace
}  // namespace sluice::proxy::testing
