// SPDX-License-Identifier: Apache-2.0
// Gateway API: what no single file of a golden case shows. Precedence is held against the words of the API.
#include <fmt/core.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <random>

#include "agent/config/config.hpp"
#include "tests/golden/config/world_text.hpp"

namespace sluice::config {
namespace {

using Files = std::map<std::string, std::string>;

const char* const kApi = "apiVersion: gateway.networking.k8s.io/v1\n";
const char* const kClass =
    "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: c}\n"
    "spec: {controllerName: sluice.dev/gateway-controller}\n";

std::string gateway(const std::string& rest = {}, int port = 80) {
  return fmt::format(
      "{}kind: Gateway\nmetadata: {{name: g, generation: 1}}\nspec:\n  gatewayClassName: c\n"
      "  listeners: [{{name: web, port: {}, protocol: HTTP}}]\n{}",
      kApi, port, rest);
}

std::string route(const std::string& name, const std::string& host, const std::string& rules,
                  const std::string& metadata = {}) {
  return fmt::format(
      "{}kind: HTTPRoute\nmetadata: {{name: {}{}}}\nspec:\n  parentRefs: [{{name: g}}]\n"
      "  hostnames: ['{}']\n  rules: {}\n",
      kApi, name, metadata, host, rules);
}

std::string service(const std::string& name) {
  return fmt::format(
      "apiVersion: v1\nkind: Service\nmetadata: {{name: {}}}\nspec: {{ports: [{{port: 80}}]}}\n",
      name);
}

Files base() {
  Files out{{"c.yaml", kClass}, {"g.yaml", gateway()}};
  for (int i = 0; i < 5; ++i) {
    out[fmt::format("s{}.yaml", i)] = service(fmt::format("s{}", i));
    out[fmt::format("r{}.yaml", i)] = route(
        fmt::format("r{}", i), fmt::format("h{}.test", i),
        fmt::format("[{{backendRefs: [{{name: s{}, port: 80}}, {{name: s0, port: 80}}]}}]", i));
  }
  return out;
}

// One match as it was written, for a judge that reads the API's list and not the product's code.
struct Written {
  std::string type;  // of the path
  std::string path;
  bool method = false;
  int headers = 0;
  int parameters = 0;
  int age = 0;  // larger: older
  std::string name;
  int rule = 0;
};

bool comes_first(const Written& a, const Written& b) {
  const auto kind = [](const Written& w) {
    return w.type == "Exact" ? 0 : w.type == "RegularExpression" ? 1 : 2;
  };
  const auto length = [](const Written& w) { return w.path == "/" ? 0 : w.path.size(); };
  if (kind(a) != kind(b)) return kind(a) < kind(b);
  if (length(a) != length(b)) return length(a) > length(b);
  if (a.method != b.method) return a.method;
  if (a.headers != b.headers) return a.headers > b.headers;
  if (a.parameters != b.parameters) return a.parameters > b.parameters;
  if (a.age != b.age) return a.age > b.age;
  if (a.name != b.name) return a.name < b.name;
  return a.rule < b.rule;
}

std::string rule_text(const Written& w, const std::string& label) {
  std::string match = fmt::format("path: {{type: {}, value: '{}'}}", w.type, w.path);
  if (w.method) match += ", method: GET";
  match += ", headers: [";
  for (int i = 0; i < w.headers; ++i) match += fmt::format("{{name: h{}, value: x}}, ", i);
  match += "], queryParams: [";
  for (int i = 0; i < w.parameters; ++i) match += fmt::format("{{name: q{}, value: x}}, ", i);
  return fmt::format("{{name: {}, matches: [{{{}]}}], backendRefs: [{{name: s, port: 80}}]}}, ",
                     label, match);
}

TEST(GatewayApi, RulesOfAllRoutesStandInTheOrderThatTheApiAsksFor) {
  std::mt19937 random(7);
  const auto below = [&](int limit) { return static_cast<int>(random() % limit); };
  for (int turn = 0; turn < 200; ++turn) {
    Files files{{"c.yaml", kClass}, {"g.yaml", gateway()}, {"s.yaml", service("s")}};
    std::map<std::string, Written> by_label;
    for (int r = 0; r < 4; ++r) {
      const std::string name = fmt::format("r{}", below(1000) * 10 + r);
      const int age = below(2);
      std::string rules = "[";
      for (int i = 0; i < 4; ++i) {
        static const std::vector<std::string> kTypes{"Exact", "PathPrefix", "RegularExpression"};
        static const std::vector<std::string> kPaths{"/", "/a", "/b", "/a/b", "/a/b/c"};
        Written w{
            kTypes[below(3)], kPaths[below(5)], below(2) == 0, below(3), below(3), age, name, i};
        const std::string label = fmt::format("{}-{}", name, i);
        rules += rule_text(w, label);
        by_label[label] = w;
      }
      files[name + ".yaml"] =
          route(name, "h.test", rules + "]",
                fmt::format(", creationTimestamp: \"202{}-01-01T00:00:00Z\"", 6 - age));
    }
    Translator translator{TranslateOptions{}};
    const auto translation = translator.load_texts(files);
    ASSERT_EQ(translation.rejected, 0U) << diagnostics_text(translation, "/");
    const auto& routes = translation.world.listeners.at(0).virtual_hosts.at(0)->routes;
    ASSERT_EQ(routes.size(), by_label.size());
    for (std::size_t i = 1; i < routes.size(); ++i) {
      EXPECT_TRUE(comes_first(by_label.at(routes[i - 1].name), by_label.at(routes[i].name)))
          << routes[i - 1].name << " before " << routes[i].name;
    }
  }
}

TEST(GatewayApi, InAClusterAGatewayIsServedOnceItHasAnAddress) {
  Translator translator({.gateway_addresses = GatewayAddresses::kAssigned});
  Files files = base();
  const auto before = translator.load_texts(files);
  EXPECT_TRUE(before.world.listeners.empty());
  ASSERT_EQ(before.status.gateways.size(), 1U);
  EXPECT_TRUE(before.status.gateways[0].addresses.empty());
  files["g.yaml"] = gateway("status: {addresses: [{type: IPAddress, value: 10.77.0.130}]}\n");
  const auto after = translator.load_texts(files);
  ASSERT_EQ(after.world.listeners.size(), 1U);
  EXPECT_EQ(after.world.listeners[0].name, "10.77.0.130:80");
  EXPECT_EQ(after.status.gateways[0].addresses.size(), 1U);
}

TEST(GatewayApi, AVersionThatIsRejectedIsToldInItsStatusAndTheOneBeforeStays) {
  Translator translator{TranslateOptions{}};
  Files files = base();
  const auto before = translator.load_texts(files);
  files["r1.yaml"] = route("r1", "h1.test", "[{matches: [{method: FETCH}]}]", ", generation: 2");
  files["g.yaml"] = gateway("", 0);
  const auto after = translator.load_texts(files);
  EXPECT_EQ(after.rejected, 2U);
  EXPECT_EQ(world_text(after.world, "/"), world_text(before.world, "/"));
  const RouteStatus& status = after.status.routes.at(1);
  EXPECT_EQ(status.target.generation, 2);
  ASSERT_EQ(status.parents.size(), 1U);
  EXPECT_FALSE(status.parents[0].conditions.at(0).holds);
  EXPECT_EQ(status.parents[0].conditions.at(0).reason, "UnsupportedValue");
  EXPECT_THAT(status.parents[0].conditions.at(0).message, ::testing::HasSubstr("FETCH"));
  EXPECT_EQ(after.status.gateways.at(0).conditions.at(0).reason, "Invalid");
  EXPECT_TRUE(after.status.routes.at(0).parents.at(0).conditions.at(0).holds);
}

TEST(GatewayApi, ARouteThatChangesLeavesAllElseTheSame) {
  Translator translator{TranslateOptions{}};
  Files files = base();
  const auto before = translator.load_texts(files).world;
  files["r3.yaml"] = route("r3", "h3.test", "[{backendRefs: [{name: s3, port: 80}]}]");
  const auto after = translator.load_texts(files).world;
  const auto& old = before.listeners.at(0).virtual_hosts;
  const auto& now = after.listeners.at(0).virtual_hosts;
  ASSERT_EQ(old.size(), now.size());
  for (std::size_t i = 0; i < now.size(); ++i) EXPECT_EQ(now[i] == old[i], i != 3) << i;
  EXPECT_EQ(after.clusters, before.clusters);
}

TEST(GatewayApi, ATranslatorThatHasSeenMuchGivesWhatAFreshOneGives) {
  std::mt19937 random(11);
  const auto below = [&](int limit) { return static_cast<int>(random() % limit); };
  Translator old{TranslateOptions{}};
  Files files = base();
  for (int step = 0; step < 150; ++step) {
    const std::string name = fmt::format("r{}", below(5));
    const std::string space = below(2) == 0 ? "" : ", namespace: other";
    switch (below(5)) {
      case 0:
        files[name + ".yaml"] =
            route(name, fmt::format("{}h{}.test", below(3) == 0 ? "*." : "", below(3)),
                  fmt::format("[{{backendRefs: [{{name: s{}, port: 80{}}}]}}]", below(6), space));
        break;
      case 1:
        files.erase(name + ".yaml");
        break;
      case 2:
        files["s4.yaml"] = below(2) == 0 ? "" : service("s4");
        break;
      case 3:
        files["o.yaml"] =
            "apiVersion: v1\nkind: Service\nmetadata: {name: s1, namespace: other}\n"
            "spec: {ports: [{port: 80}]}\n";
        files["grant.yaml"] =
            below(2) == 0 ? ""
                          : fmt::format(
                                "{}kind: ReferenceGrant\nmetadata: {{name: a, namespace: other}}\n"
                                "spec:\n  from: [{{group: gateway.networking.k8s.io, kind: "
                                "HTTPRoute, namespace: default}}]\n"
                                "  to: [{{group: '', kind: Service}}]\n",
                                kApi);
        break;
      default:
        files["g.yaml"] = gateway("", 80 + below(2));
    }
    const auto seen = old.load_texts(files);
    Translator fresh{TranslateOptions{}};
    const auto wanted = fresh.load_texts(files);
    ASSERT_EQ(world_text(seen.world, "/"), world_text(wanted.world, "/")) << step;
    ASSERT_EQ(diagnostics_text(seen, "/"), diagnostics_text(wanted, "/")) << step;
    ASSERT_EQ(seen.status, wanted.status) << step;
  }
}

}  // namespace
}  // namespace sluice::config
