// SPDX-License-Identifier: Apache-2.0
// 5,000 HTTPRoutes, as a cluster tells of them: how long it takes until one that changed is in a new snapshot, and that
// nothing else is made anew. The numbers are printed; the bound is generous, because other things run beside tests.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "agent/config/config.hpp"
#include "agent/snapshot/snapshot.hpp"
#include "tests/scale/bound.hpp"

namespace sluice {
namespace {

constexpr int kRoutes = 5000;
constexpr int kServices = 500;

class ApiUpdate : public ::testing::Test {
 protected:
  using Objects = std::vector<config::ObjectText>;

  static config::ObjectText route(int i, int weight, bool own_host) {
    return {fmt::format("httproutes/default/r{}", i),
            fmt::format(R"({{"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
      "metadata": {{"name": "r{0}", "generation": {2}, "creationTimestamp": "2026-01-01T00:00:00Z"}},
      "spec": {{"parentRefs": [{{"name": "g"}}], "hostnames": ["{4}"],
        "rules": [{{"matches": [{{"path": {{"type": "PathPrefix", "value": "/p{0}"}}}}],
                    "backendRefs": [{{"name": "s{1}", "port": 80, "weight": {2}}},
                                    {{"name": "s{3}", "port": 80}}]}}]}}}})",
                        i, i % kServices, weight, (i + 1) % kServices,
                        own_host ? fmt::format("h{}.test", i) : "all.test")};
  }
  static config::ObjectText slice(int i, int last) {
    return {fmt::format("endpointslices/default/s{}", i),
            fmt::format(R"({{"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
      "metadata": {{"name": "s{0}", "labels": {{"kubernetes.io/service-name": "s{0}"}}}},
      "addressType": "IPv4", "ports": [{{"port": 8080}}],
      "endpoints": [{{"addresses": ["10.{1}.{2}.{3}"]}}]}})",
                        i, i / 250, i % 250, last)};
  }
  static Objects all(bool own_hosts) {
    Objects out{{"gatewayclasses/c", R"({"apiVersion": "gateway.networking.k8s.io/v1",
      "kind": "GatewayClass", "metadata": {"name": "c"},
      "spec": {"controllerName": "sluice.dev/gateway-controller"}})"},
                {"gateways/default/g", R"({"apiVersion": "gateway.networking.k8s.io/v1",
      "kind": "Gateway", "metadata": {"name": "g"}, "spec": {"gatewayClassName": "c",
      "listeners": [{"name": "web", "port": 80, "protocol": "HTTP"}]}})"}};
    for (int i = 0; i < kServices; ++i) {
      out.push_back({fmt::format("services/default/s{}", i),
                     fmt::format(R"({{"apiVersion": "v1", "kind": "Service",
      "metadata": {{"name": "s{}"}}, "spec": {{"ports": [{{"port": 80}}]}}}})",
                                 i)});
      out.push_back(slice(i, 1));
    }
    for (int i = 0; i < kRoutes; ++i) out.push_back(route(i, 1, own_hosts));
    return out;
  }

  double load(const Objects& changes) {
    const auto start = std::chrono::steady_clock::now();
    const auto translation = translator_.load_objects(changes);
    const auto translated = std::chrono::steady_clock::now();
    auto next = snapshot::build(translation.world, ++generation_, snapshot_, {});
    EXPECT_TRUE(next.has_value());
    EXPECT_EQ(translation.status.routes.size(), std::size_t{kRoutes});
    snapshot_ = *next;
    const std::chrono::duration<double, std::milli> first = translated - start;
    const std::chrono::duration<double, std::milli> both = std::chrono::steady_clock::now() - start;
    translated_ = first.count();
    return both.count();
  }
  template <typename Change>
  double median(const char* what, const Change& change) {
    std::vector<std::pair<double, double>> times;
    for (int i = 0; i < 9; ++i) {
      const double took = load({change(i)});
      times.emplace_back(took, translated_);
    }
    std::ranges::sort(times);
    const auto& [took, translated] = times[times.size() / 2];
    fmt::print("  {}: {:.2f} ms, {:.2f} of them translation\n", what, took, translated);
    return took;
  }

  config::Translator translator_{config::TranslateOptions{}};
  snapshot::SnapshotPtr snapshot_;
  std::uint64_t generation_ = 0;
  double translated_ = 0;
};

TEST_F(ApiUpdate, OneOf5000HttpRoutesIsQuicklyInASnapshot) {
  fmt::print("{} HTTPRoutes with a host each: first load {:.1f} ms\n", kRoutes, load(all(true)));
  const auto before = snapshot_;
  (void)load({route(1234, 7, true)});
  const auto& old = before->listeners.at(0)->routes.virtual_hosts();
  const auto& now = snapshot_->listeners.at(0)->routes.virtual_hosts();
  ASSERT_EQ(now.size(), std::size_t{kRoutes});
  int made = 0;
  for (std::size_t i = 0; i < now.size(); ++i) made += now[i] == old[i] ? 0 : 1;
  EXPECT_EQ(made, 1) << "virtual hosts that were made anew";
  EXPECT_LT(median("one weight", [](int i) { return route(1234, 20 + i, true); }), kBoundMs);
  EXPECT_LT(median("one EndpointSlice", [](int i) { return slice(7, 20 + i); }), 2 * kBoundMs);
}

TEST_F(ApiUpdate, OneOf5000HttpRoutesOfOneHostIsQuicklyInASnapshot) {
  fmt::print("{} HTTPRoutes of one host: first load {:.1f} ms\n", kRoutes, load(all(false)));
  EXPECT_LT(median("one weight", [](int i) { return route(1234, 20 + i, false); }), 2 * kBoundMs);
}

}  // namespace
}  // namespace sluice
