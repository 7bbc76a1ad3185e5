// SPDX-License-Identifier: Apache-2.0
#include "tests/golden/config/status_text.hpp"

#include <fmt/format.h>

namespace sluice::config {
namespace {

std::string target_text(const StatusTarget& target) {
  return fmt::format("{} {}{}{} generation {} ({})\n", target.kind, target.name_space,
                     target.name_space.empty() ? "" : "/", target.name, target.generation,
                     target.api_version);
}

void add_conditions(std::string& out, const std::vector<Condition>& conditions,
                    const char* indent) {
  for (const Condition& each : conditions) {
    out +=
        fmt::format("{}{} {} {}: {}\n", indent, each.type, each.holds, each.reason, each.message);
  }
}

void add_gateway(std::string& out, const GatewayStatus& gateway) {
  out += target_text(gateway.target);
  for (const auto& address : gateway.wanted_addresses) {
    out += fmt::format("  wants {} {}\n", address.type, address.value);
  }
  for (const auto& address : gateway.addresses) {
    out += fmt::format("  has {} {}\n", address.type, address.value);
  }
  if (gateway.attached_listener_sets > 0) {
    out += fmt::format("  listener sets {}\n", gateway.attached_listener_sets);
  }
  add_conditions(out, gateway.conditions, "  ");
  for (const ListenerStatus& listener : gateway.listeners) {
    std::vector<std::string> kinds;
    for (const RouteKind& kind : listener.supported_kinds) kinds.push_back(kind.kind);
    out += fmt::format("  listener {} kinds [{}] routes {}\n", listener.name,
                       fmt::join(kinds, ", "), listener.attached_routes);
    add_conditions(out, listener.conditions, "    ");
  }
}

void add_route(std::string& out, const RouteStatus& route) {
  out += target_text(route.target);
  for (const ParentStatus& parent : route.parents) {
    out += fmt::format("  parent {} {}{}{}{}{}\n", parent.kind,
                       parent.name_space ? *parent.name_space + "/" : "", parent.name,
                       parent.section ? " section " + *parent.section : "",
                       parent.port ? fmt::format(" port {}", *parent.port) : "",
                       parent.group == "gateway.networking.k8s.io" ? "" : " of " + parent.group);
    add_conditions(out, parent.conditions, "    ");
  }
}

}  // namespace

std::string status_text(const StatusReport& report) {
  std::string out;
  for (const GatewayClassStatus& each : report.classes) {
    out += target_text(each.target);
    add_conditions(out, each.conditions, "  ");
  }
  for (const GatewayStatus& gateway : report.gateways) add_gateway(out, gateway);
  for (const RouteStatus& route : report.routes) add_route(out, route);
  return out;
}

}  // namespace sluice::config
