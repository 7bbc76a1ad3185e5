// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/traffic_policy.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>

#include "agent/config/translate/choice.hpp"
#include "agent/config/translate/duration.hpp"
#include "agent/config/translate/number.hpp"
#include "agent/config/translate/policy_balancer.hpp"
#include "agent/config/translate/policy_pool.hpp"

namespace sluice::config {
namespace {

void read_tls(Fields& policy) {
  const auto tls = policy.map("tls");
  if (!tls) return;
  const Member* mode = tls->node->find("mode");
  if (mode != nullptr && mode->value.scalar == "DISABLE") return;
  policy.report().unsupported(tls->key, tls->path, "endpoints are spoken to without TLS");
}

PolicySections read_sections(const DecodeInput& input, const Located& located, Fields& fields) {
  PolicySections out;
  out.origin = input.origin(located.key, located.path);
  out.locality_origin = out.origin;
  if (const auto balancer = fields.map("loadBalancer")) {
    out.load_balancer = read_load_balancer(*balancer, input.report);
    if (const Member* locality = balancer->node->find("localityLbSetting")) {
      out.locality_origin = input.origin(locality->mark, balancer->path + ".localityLbSetting");
    }
  }
  if (const auto pool = fields.map("connectionPool")) {
    out.connection_pool = read_connection_pool(*pool, input.report);
  }
  if (const auto outliers = fields.map("outlierDetection")) {
    out.outlier_detection = read_outlier_detection(*outliers, input.report);
  }
  read_tls(fields);
  return out;
}

void read_ports(const DecodeInput& input, Fields& fields, PolicySpec& out) {
  for (const Located& item : fields.list("portLevelSettings")) {
    Fields settings(*item.node, item.path, input.report);
    std::optional<std::uint16_t> number;
    if (const auto port = settings.map("port")) {
      Fields selector(*port->node, port->path, input.report);
      number = selector.port("number");
      if (!selector.get("number")) selector.missing("number", "add `number: 80`");
      selector.finish();
    } else if (!settings.get("port")) {
      settings.missing("port", "add `port:` with `number: 80`");
    }
    PolicySections sections = read_sections(input, item, settings);
    settings.finish();
    if (!number) continue;
    if (!out.ports.emplace(*number, std::move(sections)).second) {
      input.report.error(item.key, item.path, "conflicting_fields",
                         fmt::format("the port {} is set twice", *number), "merge the two");
    }
  }
}

model::RetryBudget read_retry_budget(const Located& located, Report& report) {
  Fields fields(*located.node, located.path, report);
  model::RetryBudget out;
  out.percent = read_number(fields, "percent", 0, 100).value_or(out.percent);
  if (const auto minimum =
          fields.integer("minRetryConcurrency", 0, std::numeric_limits<std::uint32_t>::max())) {
    out.minimum_concurrency = static_cast<std::uint32_t>(*minimum);
  }
  const auto at = fields.get("budgetInterval");
  const auto interval = read_duration(fields, "budgetInterval", Milliseconds{0});
  if (interval && interval->count() > 0) {
    report.unsupported(at->key, at->path, "only requests in flight count");
  }
  fields.finish();
  return out;
}

std::uint8_t read_proxy_protocol(const Located& located, Report& report) {
  Fields fields(*located.node, located.path, report);
  static constexpr std::array<std::string_view, 2> kVersions{"V1", "V2"};
  const auto version = read_choice(fields, "version", kVersions);
  fields.finish();
  return static_cast<std::uint8_t>(1 + version.value_or(0));
}

void override_sections(const PolicySections& from, model::TrafficPolicy& out) {
  if (from.load_balancer) out.load_balancer = *from.load_balancer;
  if (from.connection_pool) out.connection_pool = *from.connection_pool;
  if (from.outlier_detection) out.outlier_detection = from.outlier_detection;
}

// `port`: 0 = one that no settings name.
void override_with(const PolicySpec& level, std::uint16_t port, model::TrafficPolicy& out) {
  override_sections(level.sections, out);
  if (level.retry_budget) out.retry_budget = level.retry_budget;
  if (level.proxy_protocol) out.proxy_protocol = level.proxy_protocol;
  out.origin = level.sections.origin;
  const auto settings = level.ports.find(port);
  if (settings == level.ports.end()) return;
  out.load_balancer = {};
  out.connection_pool = {};
  out.outlier_detection.reset();
  override_sections(settings->second, out);
  out.origin = settings->second.origin;
}

}  // namespace

PolicySpec read_traffic_policy(const DecodeInput& input, const Located& located) {
  Fields fields(*located.node, located.path, input.report);
  PolicySpec out;
  out.sections = read_sections(input, located, fields);
  if (const auto budget = fields.map("retryBudget")) {
    out.retry_budget = read_retry_budget(*budget, input.report);
  }
  if (const auto proxy = fields.map("proxyProtocol")) {
    out.proxy_protocol = read_proxy_protocol(*proxy, input.report);
  }
  if (const auto tunnel = fields.get("tunnel")) {
    input.report.unsupported(tunnel->key, tunnel->path, "endpoints are spoken to directly");
  }
  read_ports(input, fields, out);
  fields.finish();
  return out;
}

PolicySet combine(const PolicySpec* rule, const PolicySpec* subset) {
  PolicySet out;
  if (rule == nullptr && subset == nullptr) return out;
  const auto made = [&](std::uint16_t port) {
    auto policy = std::make_shared<model::TrafficPolicy>();
    if (rule != nullptr) override_with(*rule, port, *policy);
    if (subset != nullptr) override_with(*subset, port, *policy);
    return policy;
  };
  out.all = made(0);
  for (const PolicySpec* level : {rule, subset}) {
    if (level == nullptr) continue;
    for (const auto& [port, settings] : level->ports) out.ports.try_emplace(port, made(port));
  }
  return out;
}

}  // namespace sluice::config
