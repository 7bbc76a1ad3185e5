// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/http_destination.hpp"

#include <fmt/core.h>

#include "agent/base/text.hpp"
#include "agent/config/translate/hosts.hpp"
#include "agent/config/translate/http_headers.hpp"
#include "agent/config/translate/percentage.hpp"
#include "agent/config/translate/weights.hpp"

namespace sluice::config {
namespace {

void read_destination(const DecodeInput& input, const Located& located, DestinationSpec& out) {
  Fields fields(*located.node, located.path, input.report);
  out.name_space = input.meta.name_space;
  const Text host = fields.required_text("host");
  out.host = input.placed(host);
  out.host.value = to_lower(host.value);
  if (!host.value.empty() && (is_wildcard(host.value) || !valid_host(out.host.value))) {
    input.report.error(host.mark, host.path, "bad_host",
                       fmt::format("`{}` cannot be a destination", host.value),
                       "write the name of a Service, such as `echo` or "
                       "`echo.default.svc.cluster.local`");
  }
  out.subset.origin = out.host.origin;
  if (const auto subset = fields.text("subset")) out.subset = input.placed(*subset);
  out.port_origin = out.host.origin;
  if (const auto located_port = fields.map("port")) {
    Fields port(*located_port->node, located_port->path, input.report);
    const auto number = port.get("number");
    out.port = port.port("number");
    if (!number) port.missing("number", "add `number: 80`");
    if (number) out.port_origin = input.origin(number->node->mark, number->path);
    port.finish();
  }
  fields.finish();
}

// `destination` of an item of a list; its absence is reported.
void read_item_destination(const DecodeInput& input, Fields& fields, DestinationSpec& out) {
  if (const auto destination = fields.map("destination")) {
    read_destination(input, *destination, out);
  } else if (!fields.get("destination")) {
    fields.missing("destination", "add `destination:` with `host: ...`");
  }
}

std::vector<MirrorSpec> read_mirror_list(const DecodeInput& input, Fields& route) {
  std::vector<MirrorSpec> out;
  for (const Located& item : route.list("mirrors")) {
    Fields fields(*item.node, item.path, input.report);
    MirrorSpec mirror;
    mirror.destination.origin = input.origin(item.key, item.path);
    read_item_destination(input, fields, mirror.destination);
    mirror.share = read_percentage(fields, "percentage").value_or(model::Fraction{});
    fields.finish();
    out.push_back(std::move(mirror));
  }
  return out;
}

// The share of `mirror`, which stands beside it.
model::Fraction read_mirror_share(Fields& route) {
  const auto exact = read_percentage(route, "mirrorPercentage");
  auto whole = read_whole_percentage(route, "mirrorPercent");
  const auto old = read_whole_percentage(route, "mirror_percent");
  if (!whole) whole = old;
  if (exact) return *exact;
  return whole.value_or(model::Fraction{});
}

}  // namespace

DestinationSpec read_route_item(const DecodeInput& input, const Located& located,
                                RouteProtocol protocol) {
  Fields fields(*located.node, located.path, input.report);
  DestinationSpec out;
  out.origin = input.origin(located.key, located.path);
  read_item_destination(input, fields, out);
  out.weight_origin = out.origin;
  if (const auto weight = fields.get("weight")) {
    out.weight_origin = input.origin(weight->node->mark, weight->path);
    out.weight = read_weight(*weight, input.report).value_or(0);
  }
  if (protocol == RouteProtocol::kHttp) {
    if (auto headers = read_headers(input, fields)) {
      out.headers = std::make_shared<const model::HeaderRules>(std::move(*headers));
    }
  }
  fields.finish();
  return out;
}

std::vector<MirrorSpec> read_mirrors(const DecodeInput& input, Fields& route) {
  std::vector<MirrorSpec> out = read_mirror_list(input, route);
  const model::Fraction share = read_mirror_share(route);
  if (const auto located = route.map("mirror")) {
    if (!out.empty()) {
      input.report.error(located->key, located->path, "conflicting_fields",
                         "`mirror` and `mirrors` exclude each other", "move it to `mirrors`");
    }
    MirrorSpec mirror;
    mirror.destination.origin = input.origin(located->key, located->path);
    read_destination(input, *located, mirror.destination);
    mirror.share = share;
    out.push_back(std::move(mirror));
  }
  std::erase_if(out, [](const MirrorSpec& mirror) { return mirror.share.millionths == 0; });
  return out;
}

}  // namespace sluice::config
