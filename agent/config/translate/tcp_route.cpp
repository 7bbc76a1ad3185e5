// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/tcp_route.hpp"

#include <fmt/core.h>

#include "agent/config/translate/http_destination.hpp"
#include "agent/config/translate/http_match.hpp"
#include "agent/config/translate/weights.hpp"

namespace sluice::config {
namespace {

void read_subnets(const DecodeInput& input, Fields& fields, model::TcpMatch& out) {
  for (const Text& text : fields.texts("destinationSubnets")) {
    if (const auto prefix = IpPrefix::parse(text.value)) {
      out.destination_subnets.push_back(*prefix);
      continue;
    }
    input.report.error(text.mark, text.path, "bad_address",
                       fmt::format("`{}` is not a block of addresses", text.value),
                       "write such as `10.0.0.0/8`, or one address");
  }
}

// nullopt for a match that can never hold here.
std::optional<TcpMatchSpec> read_match(const DecodeInput& input, const Located& located) {
  Fields fields(*located.node, located.path, input.report);
  TcpMatchSpec out;
  out.match.origin = input.origin(located.key, located.path);
  read_subnets(input, fields, out.match);
  out.match.port = fields.port("port");
  out.gateways = read_match_gateways(input, fields);
  const bool never = reports_source(fields, {"sourceLabels", "sourceNamespace", "sourceSubnet"});
  fields.finish();
  if (never) return std::nullopt;
  return out;
}

}  // namespace

TcpRouteSpec read_tcp_route(const DecodeInput& input, const Located& located) {
  Fields fields(*located.node, located.path, input.report);
  TcpRouteSpec out;
  out.origin = input.origin(located.key, located.path);
  const auto matches = fields.list("match");
  out.matches_all = matches.empty();
  for (const Located& item : matches) {
    if (auto match = read_match(input, item)) out.matches.push_back(std::move(*match));
  }
  for (const Located& item : fields.list("route")) {
    out.destinations.push_back(read_route_item(input, item, RouteProtocol::kTcp));
  }
  if (out.destinations.empty() && !fields.get("route")) {
    fields.missing("route", "add `route:` with `- destination:`");
  }
  check_weights(out.destinations, out.origin, input.report);
  fields.finish();
  return out;
}

}  // namespace sluice::config
