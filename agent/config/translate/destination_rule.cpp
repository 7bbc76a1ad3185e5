// SPDX-License-Identifier: Apache-2.0
// networking.istio.io DestinationRule.
#include <fmt/core.h>

#include <set>

#include "agent/base/text.hpp"
#include "agent/config/translate/decode.hpp"
#include "agent/config/translate/export_to.hpp"
#include "agent/config/translate/hosts.hpp"
#include "agent/config/translate/traffic_policy.hpp"

namespace sluice::config {
namespace {

void read_subset(const DecodeInput& input, const Located& located, DestinationRuleSpec& out) {
  Fields fields(*located.node, located.path, input.report);
  SubsetSpec subset;
  const Text name = fields.required_text("name");
  subset.name = name.value;
  subset.origin = input.origin(located.key, located.path);
  subset.labels = fields.labels("labels");
  if (const auto policy = fields.map("trafficPolicy")) {
    subset.policy = read_traffic_policy(input, *policy);
  }
  fields.finish();
  for (const SubsetSpec& other : out.subsets) {
    if (other.name != subset.name || subset.name.empty()) continue;
    input.report.error(name.mark, name.path, "duplicate_subset",
                       fmt::format("the subset `{}` is already defined at line {}", subset.name,
                                   other.origin.line),
                       "give it another name");
  }
  if (subset.name.find('|') != std::string::npos) {
    input.report.error(name.mark, name.path, "invalid_name", "a subset's name must not contain `|`",
                       "use letters, digits and `-`");
  }
  out.subsets.push_back(std::move(subset));
}

void check_host(const DecodeInput& input, const Text& host) {
  if (host.value.empty()) return;
  if (!valid_host(to_lower(host.value))) {
    input.report.error(host.mark, host.path, "bad_host",
                       fmt::format("`{}` is not a host name", host.value),
                       "write the name of a Service, such as `echo` or "
                       "`echo.default.svc.cluster.local`");
  } else if (is_wildcard(host.value)) {
    const std::string what = host.value == "*"
                                 ? std::string("every service")
                                 : fmt::format("every service below `{}`", host.value.substr(2));
    input.report.warning(
        host.mark, host.path, "wildcard_destination_rule",
        fmt::format("`{}` covers {}: its subsets apply to each of them that has no rule of its own",
                    host.value, what),
        "write the one service meant, such as `echo` or `echo.default.svc.cluster.local`");
  }
}

bool fails_over_blindly(const model::TrafficPolicy& policy) {
  const auto& locality = policy.load_balancer.locality;
  return locality && locality->enabled && !policy.outlier_detection &&
         (!locality->failover.empty() || !locality->failover_priority.empty());
}

// Failing over needs to know which endpoints fail. Each localityLbSetting is named once, whatever inherits it.
class LocalityCheck {
 public:
  explicit LocalityCheck(Report& report) : report_(report) {}

  void check(const PolicySpec* rule, const PolicySpec* subset, const PolicySet& policies) {
    const PolicySpec* own = subset != nullptr ? subset : rule;
    if (own == nullptr) return;
    const bool inherits = !own->sections.load_balancer && rule != nullptr;
    if (fails_over_blindly(*policies.all)) {
      warn(inherits ? rule->sections.locality_origin : own->sections.locality_origin);
    }
    for (const auto& [port, settings] : own->ports) {
      if (fails_over_blindly(*policies.of(port))) warn(settings.locality_origin);
    }
  }

 private:
  void warn(const model::Origin& origin) {
    if (!warned_.emplace(origin.line, origin.column).second) return;
    report_.warning({origin.line, origin.column}, origin.path, "no_effect",
                    "without `outlierDetection` nothing is known to fail over from",
                    "add `outlierDetection:` to this trafficPolicy");
  }

  Report& report_;
  std::set<std::pair<int, int>> warned_;
};

void put_policies_together(const DecodeInput& input, DestinationRuleSpec& out) {
  const auto pointer = [](const Boxed<PolicySpec>& policy) { return policy ? &*policy : nullptr; };
  LocalityCheck locality(input.report);
  const PolicySpec* rule = pointer(out.policy);
  out.policies = combine(rule, nullptr);
  locality.check(rule, nullptr, out.policies);
  for (SubsetSpec& subset : out.subsets) {
    if (!subset.policy) {
      subset.policies = out.policies;
      continue;
    }
    subset.policies = combine(rule, pointer(subset.policy));
    locality.check(rule, pointer(subset.policy), subset.policies);
  }
}

}  // namespace

DestinationRuleSpec decode_destination_rule(const DecodeInput& input) {
  DestinationRuleSpec out;
  out.meta = input.meta;
  Fields spec = spec_fields(input);
  const Text host = spec.required_text("host");
  check_host(input, host);
  out.host = input.placed(host);
  out.host.value = to_lower(host.value);
  for (const Located& subset : spec.list("subsets")) read_subset(input, subset, out);
  if (const auto policy = spec.map("trafficPolicy")) {
    out.policy = read_traffic_policy(input, *policy);
  }
  put_policies_together(input, out);
  out.export_to = read_export_to(input, spec);
  if (const auto selector = spec.get("workloadSelector")) {
    input.report.unsupported(selector->key, selector->path,
                             "it chooses among sidecars; the rule counts here");
  }
  spec.finish();
  return out;
}

}  // namespace sluice::config
