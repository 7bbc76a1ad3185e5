// SPDX-License-Identifier: Apache-2.0
// Which policy holds for a port, held against a reading of the API's documentation that is written section by section.
#include <gtest/gtest.h>

#include <optional>
#include <random>

#include "agent/config/translate/traffic_policy.hpp"

namespace sluice::config {
namespace {

// Values that tell who spoke: level and port.
PolicySections sections(std::mt19937& random, std::uint32_t mark) {
  std::bernoulli_distribution present(0.5);
  PolicySections out;
  if (present(random)) {
    out.load_balancer = model::LoadBalancer{};
    out.load_balancer->warmup = model::Warmup{.duration = Milliseconds{mark}};
  }
  if (present(random)) {
    out.connection_pool = model::ConnectionPool{};
    out.connection_pool->max_connections = mark;
  }
  if (present(random)) {
    out.outlier_detection = model::OutlierDetection{};
    out.outlier_detection->consecutive_5xx_errors = mark;
  }
  return out;
}

std::optional<PolicySpec> level(std::mt19937& random, std::uint32_t mark) {
  std::bernoulli_distribution present(0.7);
  if (!present(random)) return std::nullopt;
  PolicySpec out;
  out.sections = sections(random, mark);
  if (present(random)) out.retry_budget = model::RetryBudget{.percent = static_cast<double>(mark)};
  if (present(random)) out.proxy_protocol = static_cast<std::uint8_t>(1 + mark % 2);
  for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{81}}) {
    if (present(random)) out.ports.emplace(port, sections(random, mark + port));
  }
  return out;
}

// What one section is: the last word of the levels, where a port's settings also speak by their silence.
template <typename Section>
std::optional<Section> last_word(const PolicySpec* rule, const PolicySpec* subset,
                                 std::uint16_t port,
                                 std::optional<Section> PolicySections::* section) {
  std::optional<Section> out;
  for (const PolicySpec* spec : {rule, subset}) {
    if (spec == nullptr) continue;
    if (spec->sections.*section) out = spec->sections.*section;
    const auto settings = spec->ports.find(port);
    if (settings != spec->ports.end()) out = settings->second.*section;
  }
  return out;
}

TEST(Policy, SubsetsAndPortsReplaceWholeSections) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    const auto rule = level(random, 1000);
    const auto subset = level(random, 2001);
    const PolicySpec* r = rule ? &*rule : nullptr;
    const PolicySpec* s = subset ? &*subset : nullptr;
    const PolicySet set = combine(r, s);
    for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{81}, std::uint16_t{82}}) {
      const model::TrafficPolicy& got = *set.of(port);
      EXPECT_EQ(
          got.load_balancer,
          last_word(r, s, port, &PolicySections::load_balancer).value_or(model::LoadBalancer{}));
      EXPECT_EQ(got.connection_pool, last_word(r, s, port, &PolicySections::connection_pool)
                                         .value_or(model::ConnectionPool{}));
      EXPECT_EQ(got.outlier_detection, last_word(r, s, port, &PolicySections::outlier_detection));
      std::optional<model::RetryBudget> budget;
      std::optional<std::uint8_t> version;
      for (const PolicySpec* spec : {r, s}) {
        if (spec != nullptr && spec->retry_budget) budget = spec->retry_budget;
        if (spec != nullptr && spec->proxy_protocol) version = spec->proxy_protocol;
      }
      EXPECT_EQ(got.retry_budget, budget);
      EXPECT_EQ(got.proxy_protocol, version);
    }
  }
}

TEST(Policy, IsOneObjectForAllPortsWithoutTheirOwn) {
  PolicySpec rule;
  rule.sections.load_balancer.emplace().kind = model::LoadBalancer::Kind::kRandom;
  rule.ports.emplace(80, PolicySections{});
  const PolicySet set = combine(&rule, nullptr);
  EXPECT_EQ(set.of(81), set.of(82));
  EXPECT_NE(set.of(80), set.of(81));
  EXPECT_EQ(combine(nullptr, nullptr).of(80), model::default_policy());
}

}  // namespace
}  // namespace sluice::config
