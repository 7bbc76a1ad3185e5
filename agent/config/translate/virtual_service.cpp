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
#include "agent/config/translate/http_route.hpp"

namespace sluice::config {
namespace {

constexpr std::string_view kMesh = "mesh";

// The first match wins, so nothing gets past a route that matches everything.
void check_reachable(const std::vector<HttpRouteSpec>& routes, Report& report) {
  const HttpRouteSpec* all = nullptr;
  for (const HttpRouteSpec& route : routes) {
    if (all != nullptr) {
      report.warning({route.route.origin.line, route.route.origin.column}, route.route.origin.path,
                     "unreachable_route",
                     fmt::format("it gets no request: the route at line {} matches everything",
                                 all->route.origin.line),
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
  for (const Located& located : spec.list("http")) {
    out.http.push_back(read_http_route(input, located));
  }
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
