// SPDX-License-Identifier: Apache-2.0
// Which listeners of Gateway API the kernel may take: the same rule as for Istio's.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "agent/app/status_view.hpp"
#include "agent/config/config.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice {
namespace {

// One Gateway, one HTTPRoute with these rules; v1 and v2 have an endpoint each.
snapshot::SnapshotPtr snapshot_with(const std::string& hostnames, const std::string& rules) {
  std::string text =
      "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: c}\n"
      "spec: {controllerName: sluice.dev/gateway-controller}\n---\n"
      "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec:\n"
      "  gatewayClassName: c\n  listeners: [{name: web, port: 80, protocol: HTTP}]\n---\n"
      "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\nspec:\n"
      "  parentRefs: [{name: g}]\n";
  text += fmt::format("  hostnames: {}\n  rules: {}\n", hostnames, rules);
  for (int i = 1; i <= 2; ++i) {
    text += fmt::format(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: v{0}}}\n"
        "spec: {{ports: [{{port: 80}}]}}\n---\n"
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n"
        "metadata: {{name: v{0}, labels: {{kubernetes.io/service-name: v{0}}}}}\n"
        "ports: [{{port: 8080}}]\nendpoints: [{{addresses: [10.0.0.{0}]}}]\n",
        i);
  }
  config::Translator translator{config::TranslateOptions{}};
  const auto translation = translator.load_texts({{"a.yaml", text}});
  EXPECT_EQ(translation.rejected, 0U);
  snapshot::BuildOptions options;
  options.kernel_path = true;
  return *snapshot::build(translation.world, 1, nullptr, options);
}

snapshot::ListenerPtr listener_with(const std::string& hostnames, const std::string& rules) {
  return snapshot_with(hostnames, rules)->listeners.at(0);
}

constexpr const char* kSplit =
    "backendRefs: [{name: v1, port: 80, weight: 9}, {name: v2, port: 80, weight: 1}]";

TEST(GatewayApiTier, OneWeightedSetForEveryRequestIsSteered) {
  const auto one = listener_with("[]", fmt::format("[{{{}}}]", kSplit));
  EXPECT_EQ(one->tier, snapshot::Tier::kConnection) << one->tier_reason;
  // The same set by several rules.
  const auto two = listener_with(
      "[]", fmt::format("[{{matches: [{{path: {{value: /a}}}}], {0}}}, {{{0}}}]", kSplit));
  EXPECT_EQ(two->tier, snapshot::Tier::kConnection) << two->tier_reason;
}

TEST(GatewayApiTier, WhateverActsOnSingleRequestsKeepsTheListenerInTheAgent) {
  const auto code = [](const char* hostnames, const std::string& rules) {
    return listener_with(hostnames, rules)->tier_code;
  };
  EXPECT_EQ(code("[a.test]", fmt::format("[{{{}}}]", kSplit)), "not_total");
  EXPECT_EQ(code("[]", fmt::format("[{{matches: [{{path: {{value: /a}}}}], {}}}]", kSplit)),
            "not_total");
  EXPECT_EQ(code("[]", "[{backendRefs: [{name: v1, port: 80}, {name: gone, port: 80}]}]"),
            "no_destination");
  EXPECT_EQ(code("[]", fmt::format("[{{timeouts: {{request: 1s}}, {}}}]", kSplit)), "timeout");
  EXPECT_EQ(code("[]", "[{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}]"),
            "redirect");
}

TEST(GatewayApiTier, AShareThatLeadsNowhereIsShownAsSuch) {
  const auto snapshot =
      snapshot_with("[]", "[{backendRefs: [{name: gone, port: 80}, {name: v1, port: 80}]}]");
  const auto reply = app::routes_view(snapshot, {});
  ASSERT_EQ(reply.routes_size(), 1);
  ASSERT_EQ(reply.routes(0).shares_size(), 2);
  EXPECT_EQ(reply.routes(0).shares(0).state(), "invalid");
  EXPECT_DOUBLE_EQ(reply.routes(0).shares(0).wanted_percent(), 50);
  EXPECT_EQ(reply.routes(0).shares(1).state(), "ready");
}

}  // namespace
}  // namespace sluice
