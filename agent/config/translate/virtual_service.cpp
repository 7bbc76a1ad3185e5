// SPDX-License-Identifier: Apache-2.0
// networking.istio.io VirtualService.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string>

#include "agent/base/text.hpp"
#include "agent/config/translate/decode.hpp"
#include "agent/config/translate/hosts.hpp"
#include "agent/config/translate/http_match.hpp"
#include "agent/config/translate/weights.hpp"

namespace sluice::config {
namespace {

constexpr std::string_view kMesh = "mesh";

void read_destination(const DecodeInput& input, const Located& located, DestinationSpec& out) {
  Fields fields(*located.node, located.path, input.report);
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

void read_route_item(const DecodeInput& input, const Located& located, HttpRouteSpec& route) {
  Fields fields(*located.node, located.path, input.report);
  DestinationSpec out;
  out.origin = input.origin(located.key, located.path);
  if (const auto destination = fields.map("destination")) {
    read_destination(input, *destination, out);
  } else if (!fields.get("destination")) {
    fields.missing("destination", "add `destination:` with `host: ...`");
  }
  out.weight_origin = out.origin;
  if (const auto weight = fields.get("weight")) {
    out.weight_origin = input.origin(weight->node->mark, weight->path);
    out.weight = read_weight(*weight, input.report).value_or(0);
  }
  static constexpr std::array<std::string_view, 1> kUnbuilt{"headers"};
  fields.finish(kUnbuilt);
  route.destinations.push_back(std::move(out));
}

// Fields that answer or forward in place of `route`, none of which this version does.
bool has_other_action(const DecodeInput& input, Fields& fields, bool has_route) {
  bool found = false;
  for (const std::string_view name : {"redirect", "directResponse", "delegate"}) {
    const auto value = fields.get(name);
    if (!value) continue;
    found = true;
    input.report.unsupported(value->key, value->path,
                             has_route ? "the route's destinations are used instead"
                                       : "what matches here is answered with 503");
  }
  return found;
}

void read_matches(const DecodeInput& input, Fields& fields, HttpRouteSpec& route) {
  const auto matches = fields.list("match");
  route.matches_all = matches.empty();
  for (const Located& located : matches) {
    if (auto match = read_http_match(input, located)) route.matches.push_back(std::move(*match));
  }
}

void read_http_route(const DecodeInput& input, const Located& located, VirtualServiceSpec& out) {
  Fields fields(*located.node, located.path, input.report);
  HttpRouteSpec route;
  route.origin = input.origin(located.key, located.path);
  if (const auto name = fields.text("name")) route.name = name->value;
  read_matches(input, fields, route);
  const auto items = fields.list("route");
  for (const Located& item : items) read_route_item(input, item, route);
  const bool other = has_other_action(input, fields, !items.empty());
  if (items.empty() && !other && !fields.get("route")) {
    fields.missing("route", "add `route:` with `- destination:`");
  }
  check_weights(route, input.report);
  static constexpr std::array<std::string_view, 11> kUnbuilt{
      "rewrite",       "timeout",        "retries", "fault",      "mirror", "mirrorPercentage",
      "mirrorPercent", "mirror_percent", "mirrors", "corsPolicy", "headers"};
  fields.finish(kUnbuilt);
  out.http.push_back(std::move(route));
}

// The first match wins, so nothing gets past a route that matches everything.
void check_reachable(const std::vector<HttpRouteSpec>& routes, Report& report) {
  const HttpRouteSpec* all = nullptr;
  for (const HttpRouteSpec& route : routes) {
    if (all != nullptr) {
      report.warning({route.origin.line, route.origin.column}, route.origin.path,
                     "unreachable_route",
                     fmt::format("it gets no request: the route at line {} matches everything",
                                 all->origin.line),
                     "move the route that matches everything to the end");
      continue;
    }
    const bool catches_all =
        route.matches_all ||
        std::any_of(route.matches.begin(), route.matches.end(), [](const MatchSpec& match) {
          return match.match.unconditional() && match.gateways.empty();
        });
    if (catches_all) all = &route;
  }
}

void read_hosts(const DecodeInput& input, Fields& spec, VirtualServiceSpec& out) {
  for (const Text& text : spec.texts("hosts")) {
    PlacedText host = input.placed(text);
    host.value = to_lower(text.value);
    if (!valid_host(host.value)) {
      input.report.error(text.mark, text.path, "bad_host",
                         fmt::format("`{}` is not a host name", text.value),
                         "write `echo.example.com`, `*.example.com` or `*`, without scheme, port "
                         "or path");
    }
    out.hosts.push_back(std::move(host));
  }
  if (out.hosts.empty() && !input.report.failed()) {
    input.report.unsupported(spec.mark(), "spec.hosts",
                             "without hosts it is a delegate, which has no effect; add `hosts:` "
                             "with the names that clients ask for");
  }
}

void read_gateways(const DecodeInput& input, Fields& spec, VirtualServiceSpec& out) {
  bool mesh = false;
  const auto field = spec.get("gateways");
  for (const Text& text : spec.texts("gateways")) {
    if (text.value == kMesh) {
      mesh = true;
    } else if (auto reference = read_gateway_reference(input, text)) {
      out.gateways.push_back(std::move(*reference));
    }
  }
  if (!out.gateways.empty() || (field && !mesh)) return;
  const std::string hint = "add `gateways:` with the name of a Gateway";
  if (field) {
    input.report.warning(field->key, field->path, "no_gateway",
                         "it binds to `mesh` only, and this agent serves gateways: it has no "
                         "effect here",
                         hint);
  } else {
    input.report.warning(spec.mark(), "spec.gateways", "no_gateway",
                         "without `gateways` it binds to `mesh` only, and this agent serves "
                         "gateways: it has no effect here",
                         hint);
  }
}

}  // namespace

VirtualServiceSpec decode_virtual_service(const DecodeInput& input) {
  VirtualServiceSpec out;
  out.meta = input.meta;
  Fields spec = spec_fields(input);
  read_hosts(input, spec, out);
  read_gateways(input, spec, out);
  for (const Located& located : spec.list("http")) read_http_route(input, located, out);
  check_reachable(out.http, input.report);
  read_export_to(spec);
  static constexpr std::array<std::string_view, 2> kUnbuilt{"tls", "tcp"};
  if (out.http.empty() && !spec.get("http") && !spec.get("tls") && !spec.get("tcp")) {
    spec.missing("http", "add `http:` with `- route:`");
  }
  spec.finish(kUnbuilt);
  return out;
}

}  // namespace sluice::config
