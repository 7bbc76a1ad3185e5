// SPDX-License-Identifier: Apache-2.0
// networking.istio.io DestinationRule.
#include <fmt/core.h>

#include <array>
#include <set>

#include "agent/base/text.hpp"
#include "agent/config/translate/decode.hpp"
#include "agent/config/translate/hosts.hpp"

namespace sluice::config {
namespace {

void read_subset(const DecodeInput& input, const Located& located, DestinationRuleSpec& out) {
  Fields fields(*located.node, located.path, input.report);
  SubsetSpec subset;
  const Text name = fields.required_text("name");
  subset.name = name.value;
  subset.origin = input.origin(located.key, located.path);
  subset.labels = fields.labels("labels");
  static constexpr std::array<std::string_view, 1> kUnbuilt{"trafficPolicy"};
  fields.finish(kUnbuilt);
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
  read_export_to(spec);
  static constexpr std::array<std::string_view, 2> kUnbuilt{"trafficPolicy", "workloadSelector"};
  spec.finish(kUnbuilt);
  return out;
}

}  // namespace sluice::config
