// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/policy_locality.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace sluice::config {
namespace {

using model::Locality;
using model::LocalityPolicy;

bool valid_pattern(std::string_view text) {
  const Locality parts = Locality::parse(text);
  const bool ended[] = {parts.region == "*", parts.zone == "*", parts.subzone == "*"};
  if (parts.region.empty() || text.ends_with('/')) return false;
  // A wildcard stands alone and last: after it, nothing or another one.
  const std::string* all[] = {&parts.region.str(), &parts.zone.str(), &parts.subzone.str()};
  for (int i = 0; i < 3; ++i) {
    if (!ended[i] && all[i]->find('*') != std::string::npos) return false;
    if (i > 0 && ended[i - 1] && !all[i]->empty() && !ended[i]) return false;
    if (i > 0 && all[i - 1]->empty() && !all[i]->empty()) return false;
  }
  return true;
}

void bad_locality(Report& report, Mark mark, const std::string& path, std::string_view text) {
  report.error(mark, path, "bad_value", fmt::format("`{}` is not a locality", text),
               "write one such as `us-east/zone-a`, `us-east/*` or `*`");
}

LocalityPolicy::Distribute read_share(const Located& item, Report& report) {
  Fields fields(*item.node, item.path, report);
  LocalityPolicy::Distribute out;
  const Text from = fields.required_text("from");
  if (!from.value.empty() && !valid_pattern(from.value)) {
    bad_locality(report, from.mark, from.path, from.value);
  }
  out.from = Locality::parse(from.value);
  const auto to = fields.map("to");
  if (!to) {
    if (!fields.get("to")) fields.missing("to", "add `to:` with a share for each locality");
    fields.finish();
    return out;
  }
  Fields shares(*to->node, to->path, report);
  std::uint32_t sum = 0;
  bool complete = true;
  for (const Member& member : to->node->members) {
    if (!valid_pattern(member.key)) bad_locality(report, member.mark, to->path, member.key);
    const auto share = shares.integer(member.key, 0, 100);
    complete &= share.has_value();
    sum += static_cast<std::uint32_t>(share.value_or(0));
    out.to.emplace_back(Locality::parse(member.key), static_cast<std::uint32_t>(share.value_or(0)));
  }
  if (complete && sum != 100) {
    report.error(to->key, to->path, "bad_value",
                 fmt::format("the shares sum to {} instead of 100", sum),
                 "change them so that they sum to 100");
  }
  fields.finish();
  return out;
}

std::pair<std::string, std::string> read_failover(const Located& item, Report& report) {
  Fields fields(*item.node, item.path, report);
  const Text from = fields.required_text("from");
  const Text to = fields.required_text("to");
  fields.finish();
  for (const Text* region : {&from, &to}) {
    if (region->value.find_first_of("/*") == std::string::npos) continue;
    report.error(region->mark, region->path, "bad_value",
                 fmt::format("`{}` is not a region", region->value),
                 "write the region alone, such as `us-east`; zones are failed over by themselves");
  }
  if (from.value == to.value && !from.value.empty()) {
    report.error(to.mark, to.path, "bad_value", "a region cannot fail over to itself",
                 "write another region");
  }
  return {from.value, to.value};
}

}  // namespace

std::optional<LocalityPolicy> read_locality_policy(Fields& balancer) {
  const auto located = balancer.map("localityLbSetting");
  if (!located) return std::nullopt;
  Report& report = balancer.report();
  Fields fields(*located->node, located->path, report);
  LocalityPolicy out;
  out.enabled = fields.boolean("enabled").value_or(true);
  for (const Located& item : fields.list("distribute")) {
    out.distribute.push_back(read_share(item, report));
  }
  for (const Located& item : fields.list("failover")) {
    out.failover.push_back(read_failover(item, report));
  }
  for (const Text& label : fields.texts("failoverPriority")) {
    const auto equals = label.value.find('=');
    if (label.value.empty() || equals == 0) {
      report.error(label.mark, label.path, "bad_value",
                   fmt::format("`{}` is not a label", label.value),
                   "write `label` or `label=value`");
    }
    out.failover_priority.push_back(label.value);
  }
  fields.finish();
  const int set = static_cast<int>(!out.distribute.empty()) +
                  static_cast<int>(!out.failover.empty()) +
                  static_cast<int>(!out.failover_priority.empty());
  if (set > 1) {
    report.error(located->key, located->path, "conflicting_fields",
                 "only one of `distribute`, `failover` and `failoverPriority` may be set",
                 "keep one of them");
  }
  return out;
}

}  // namespace sluice::config
