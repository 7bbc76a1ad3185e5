// SPDX-License-Identifier: Apache-2.0
// networking.istio.io VirtualService.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string>

#include "agent/base/text.hpp"
#include "agent/config/translate/decode.hpp"
#include "agent/config/translate/export_to.hpp"
#include "agent/config/translate/hosts.hpp"
#include "agent/config/translate/http_match.hpp"
#include "agent/config/translate/http_route.hpp"
#include "agent/config/translate/tcp_route.hpp"

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

// The API has no word for it: retries that may repeat a POST although the endpoint may have acted on it.
void read_annotations(const DecodeInput& input, VirtualServiceSpec& out) {
  for (const auto& [name, annotation] : input.metadata.annotations) {
    if (!name.starts_with("sluice.dev/")) continue;
    const std::string path = fmt::format("metadata.annotations[\"{}\"]", name);
    static constexpr std::array<std::string_view, 1> kNames{"sluice.dev/retry-unsafe-methods"};
    if (name != kNames.front()) {
      const std::string meant = closest(name, kNames);
      input.report.error(annotation.mark, path, "bad_annotation",
                         fmt::format("no annotation `{}` exists", name),
                         meant.empty() ? std::string() : fmt::format("did you mean `{}`?", meant));
    } else if (annotation.value == "true") {
      for (HttpRouteSpec& route : out.http) {
        if (route.route.retries) {
          route.route.retries->conditions |= model::RetryPolicy::kUnsafeMethods;
        }
      }
    } else if (annotation.value != "false") {
      input.report.error(annotation.mark, path, "bad_annotation",
                         fmt::format("`{}` is neither `true` nor `false`", annotation.value),
                         "write \"true\", in quotes, if POST and PATCH may be repeated");
    }
  }
}

// Without hosts it is a delegate, whose routes others take in for their hosts and gateways.
void check_delegate(const DecodeInput& input, Fields& spec) {
  for (const std::string_view name : {"gateways", "tcp", "tls"}) {
    const auto field = spec.get(name);
    if (!field) continue;
    input.report.error(field->key, field->path, "conflicting_fields",
                       fmt::format("without `hosts` it is a delegate, which has no `{}`", name),
                       "add `hosts:` with the names that clients ask for");
  }
}

void check_one_level(const VirtualServiceSpec& spec, Report& report) {
  if (!spec.hosts.empty()) return;
  for (const HttpRouteSpec& route : spec.http) {
    if (!route.delegate) continue;
    const model::Origin& origin = route.delegate->origin;
    report.error({origin.line, origin.column}, origin.path, "conflicting_fields",
                 "without `hosts` it is a delegate, which cannot delegate further",
                 "move the route to the virtual service that has the hosts");
  }
}

}  // namespace

VirtualServiceSpec decode_virtual_service(const DecodeInput& input) {
  VirtualServiceSpec out;
  out.meta = input.meta;
  Fields spec = spec_fields(input);
  read_hosts(input, spec, out);
  const auto hosts = spec.get("hosts");
  if (!hosts || (hosts->node->is_list() && hosts->node->items.empty())) {
    check_delegate(input, spec);
  } else {
    read_gateways(input, spec, out);
  }
  const auto http = spec.list("http");
  out.http.reserve(http.size());
  for (const Located& located : http) {
    out.http.push_back(read_http_route(input, located));
  }
  for (const Located& located : spec.list("tcp")) {
    out.tcp.push_back(read_tcp_route(input, located));
  }
  read_annotations(input, out);
  check_one_level(out, input.report);
  check_reachable(out.http, input.report);
  out.export_to = read_export_to(input, spec);
  const auto tls = spec.get("tls");
  if (tls && !out.hosts.empty()) {
    input.report.unsupported(tls->key, tls->path, "connections are not routed by SNI");
  }
  if (out.http.empty() && !spec.get("http") && !tls && !spec.get("tcp")) {
    spec.missing("http", "add `http:` with `- route:`");
  }
  spec.finish();
  return out;
}

}  // namespace sluice::config
