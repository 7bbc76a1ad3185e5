// SPDX-License-Identifier: Apache-2.0
#include "tests/golden/config/world_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tests/golden/config/policy_text.hpp"
#include "tests/golden/config/route_text.hpp"

namespace sluice::config {
namespace {

std::string text_of(const model::RouteMatch& match) {
  std::vector<std::string> parts;
  const auto add = [&](const char* name, const auto& value) {
    if (value) parts.push_back(fmt::format("{} {}", name, string_match_text(*value)));
  };
  add("uri", match.uri);
  if (match.ignore_uri_case) parts.push_back("ignoring case");
  add("scheme", match.scheme);
  add("method", match.method);
  add("authority", match.authority);
  for (const auto& [name, value] : match.headers) {
    parts.push_back(fmt::format("header {} {}", name, string_match_text(value)));
  }
  for (const auto& [name, value] : match.without_headers) {
    parts.push_back(fmt::format("without header {} {}", name, string_match_text(value)));
  }
  for (const auto& [name, value] : match.query_params) {
    parts.push_back(fmt::format("query {} {}", name, string_match_text(value)));
  }
  if (match.port) parts.push_back(fmt::format("port {}", *match.port));
  return parts.empty() ? "anything" : fmt::format("{}", fmt::join(parts, ", "));
}

std::string text_of(const model::Endpoint& endpoint) {
  std::string out = fmt::format("  {} {} weight {}{}{}{}", to_string(endpoint.address),
                                endpoint.name, endpoint.weight, endpoint.ready ? "" : " not-ready",
                                endpoint.serving ? "" : " not-serving",
                                endpoint.terminating ? " terminating" : "");
  if (endpoint.locality != model::Locality{}) out += " in " + locality_text(endpoint.locality);
  if (endpoint.ready_since != 0) out += fmt::format(" since {}", endpoint.ready_since);
  if (!endpoint.failover_labels.empty()) {
    out += fmt::format(" labels [{}]", fmt::join(endpoint.failover_labels, ", "));
  }
  return out + "\n";
}

void add_route(std::string& out, const model::Route& route, const std::string& prefix) {
  out += fmt::format("    route {}({} {})\n", route.name.empty() ? "" : route.name + " ",
                     place_text(route.origin, prefix), route.origin.path);
  for (const model::RouteMatch& match : route.matches) {
    out += fmt::format("      when {}{}\n", match.name.empty() ? "" : match.name + ": ",
                       text_of(match));
  }
  out += actions_text(route, prefix);
  const bool answers = route.redirect || route.direct_response;
  if (route.destinations.empty() && !answers) out += "      503\n";
  for (const model::WeightedDestination& destination : route.destinations) {
    out += fmt::format("      {:g} -> {}{}{}\n",
                       static_cast<double>(destination.weight) / model::kWeightUnit,
                       destination.cluster, destination.headers ? " " : "",
                       destination.headers ? headers_text(*destination.headers) : "");
  }
}

void add_settings(std::string& out, const model::Listener& listener) {
  if (listener.path_normalization) {
    constexpr const char* kNames[] = {"none", "base", "merge slashes", "decode and merge slashes"};
    out += fmt::format("  paths {}\n", kNames[static_cast<int>(*listener.path_normalization)]);
  }
  if (listener.desync_mode) {
    constexpr const char* kNames[] = {"monitor", "defensive", "strictest"};
    out += fmt::format("  desync {}\n", kNames[static_cast<int>(*listener.desync_mode)]);
  }
  if (listener.max_connections) {
    out += fmt::format("  at most {} connections\n", *listener.max_connections);
  }
  if (listener.max_body_bytes) {
    out += fmt::format("  bodies of at most {} bytes\n", *listener.max_body_bytes);
  }
  if (listener.proxy_protocol) out += "  accepts PROXY headers\n";
}

void add_tcp_route(std::string& out, const model::TcpRoute& route, const std::string& prefix) {
  out +=
      fmt::format("    tcp route ({} {})\n", place_text(route.origin, prefix), route.origin.path);
  for (const model::TcpMatch& match : route.matches) {
    std::vector<std::string> subnets;
    for (const IpPrefix& subnet : match.destination_subnets) subnets.push_back(to_string(subnet));
    out += fmt::format("      when to [{}] port {}\n", fmt::join(subnets, ", "),
                       match.port ? std::to_string(*match.port) : "any");
  }
  for (const model::WeightedDestination& destination : route.destinations) {
    out += fmt::format("      {:g} -> {}\n",
                       static_cast<double>(destination.weight) / model::kWeightUnit,
                       destination.cluster);
  }
}

void add_listener(std::string& out, const model::Listener& listener, const std::string& prefix) {
  out += fmt::format("listener {} {} ({})\n", listener.name, listener.protocol,
                     place_text(listener.origin, prefix));
  out += fmt::format("  gateways {}\n", fmt::join(listener.gateways, ", "));
  if (listener.steer_after) {
    const bool count = listener.steer_after->mode == model::SteerAfter::Mode::kCount;
    const bool never = listener.steer_after->mode == model::SteerAfter::Mode::kNever;
    out += fmt::format("  steer after {}\n", count ? std::to_string(listener.steer_after->count)
                                                   : std::string(never ? "never" : "auto"));
  }
  if (listener.forwarded_headers) {
    constexpr const char* kNames[] = {"auto", "add", "none"};
    out += fmt::format("  forwarded headers {}\n",
                       kNames[static_cast<int>(*listener.forwarded_headers)]);
  }
  if (listener.client_address) {
    const bool preserve = *listener.client_address == model::ClientAddress::kPreserve;
    out += fmt::format("  client address {}\n", preserve ? "preserve" : "node");
  }
  add_settings(out, listener);
  for (const model::TcpRoute& route : listener.tcp_routes) add_tcp_route(out, route, prefix);
  for (const model::VirtualHostPtr& host : listener.virtual_hosts) {
    out += fmt::format("  host {} of {} ({}){}\n", fmt::join(host->domains, " "), host->name,
                       place_text(host->origin, prefix), host->https_redirect ? " to https" : "");
    for (const model::Route& route : host->routes) add_route(out, route, prefix);
  }
}

}  // namespace

std::string world_text(const model::World& world, const std::string& prefix) {
  std::string out;
  for (const model::Listener& listener : world.listeners) add_listener(out, listener, prefix);
  for (const auto& [key, cluster] : world.clusters) {
    out += fmt::format("cluster {} [{}] ({})\n", key, cluster->selector,
                       place_text(cluster->origin, prefix));
    out += policy_text(*cluster->policy, prefix);
    for (const model::Endpoint& endpoint : cluster->endpoints) out += text_of(endpoint);
  }
  if (world.place.locality != model::Locality{}) {
    out += fmt::format("place {}\n", locality_text(world.place.locality));
    for (const auto& [name, value] : world.place.labels) {
      out += fmt::format("  {}={}\n", name, value);
    }
  }
  return out;
}

std::string diagnostics_text(const Translation& translation, const std::string& prefix) {
  std::string out =
      fmt::format("objects {} rejected {}\n", translation.objects, translation.rejected);
  for (const model::Diagnostic& diagnostic : translation.diagnostics) {
    std::string line = model::to_string(diagnostic);
    // A message may name a second place.
    for (auto at = line.find(prefix); at != std::string::npos; at = line.find(prefix, at)) {
      line.erase(at, prefix.size());
    }
    out += line + "\n";
  }
  return out;
}

}  // namespace sluice::config
