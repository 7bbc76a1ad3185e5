// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/listeners.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <tuple>
#include <unordered_set>

#include "agent/config/translate/gateway_annotations.hpp"
#include "agent/config/translate/hosts.hpp"
#include "agent/config/translate/tcp_routes.hpp"
#include "agent/config/translate/virtual_hosts.hpp"

namespace sluice::config {
namespace {

std::string label_text(const Labels& labels) {
  std::string out;
  for (const auto& [key, value] : labels) {
    if (!out.empty()) out += ", ";
    out += fmt::format("{}={}", key, value);
  }
  return out.empty() ? "none" : out;
}

// The label that keeps the gateway from being served here, with what was probably meant.
std::string selector_hint(const GatewaySpec& gateway, const Labels& own) {
  for (const auto& [key, value] : gateway.selector) {
    const auto found = own.find(key);
    if (found != own.end() && found->second == value) continue;
    if (found != own.end()) {
      return did_you_mean(
          value, {found->second},
          fmt::format("write `{}: {}` if it is meant for this agent", key, found->second));
    }
    std::vector<std::string> keys;
    for (const auto& [name, unused] : own) keys.push_back(name);
    return did_you_mean(key, keys, "start the agent with --gateway-labels that fit");
  }
  return {};
}

bool served_here(const GatewaySpec& gateway, const Labels& own, Diagnostics& diagnostics) {
  if (selects(gateway.selector, own)) return true;
  add_warning(diagnostics, gateway.selector_origin, "selector_mismatch",
              fmt::format("the selector {} does not fit this agent, whose labels are {}: the "
                          "gateway is not served",
                          label_text(gateway.selector), label_text(own)),
              selector_hint(gateway, own));
  return false;
}

using ListenerKey = std::tuple<std::uint16_t, std::optional<IpAddress>>;

struct BuiltListener {
  model::Listener listener;
  std::vector<BoundServer> servers;
};

void report_protocol_conflict(const BoundServer& winner, const BoundServer& loser,
                              const model::Listener& listener, Diagnostics& diagnostics) {
  add_warning(
      diagnostics, loser.server->origin, "protocol_conflict",
      fmt::format("this server is not served: gateway {} ({}), which comes first, has {} at "
                  "{}",
                  winner.gateway->meta.full_name(), model::location(winner.server->origin),
                  listener.protocol, listener.name),
      "give it another port, or the same protocol");
}

std::map<ListenerKey, BuiltListener> collect(const SpecSet& specs, const Labels& own,
                                             Diagnostics& diagnostics) {
  std::map<ListenerKey, BuiltListener> out;
  for (const GatewaySpec* gateway : specs.gateways) {
    if (!served_here(*gateway, own, diagnostics)) continue;
    for (const ServerSpec& server : gateway->servers) {
      BuiltListener& built = out[{server.port, server.bind}];
      model::Listener& listener = built.listener;
      if (built.servers.empty()) {
        listener.bind = server.bind;
        listener.port = server.port;
        listener.name = server.bind ? to_string(SocketAddress{*server.bind, server.port})
                                    : fmt::format("0.0.0.0:{}", server.port);
        listener.origin = server.origin;
        listener.protocol = server.protocol == ServerProtocol::kTcp ? "TCP" : "HTTP";
      } else if (built.servers.front().server->protocol != server.protocol) {
        report_protocol_conflict(built.servers.front(), {gateway, &server}, listener, diagnostics);
        continue;
      }
      merge_annotations(listener, gateway->annotations, diagnostics);
      const std::string name = gateway->meta.full_name();
      if (std::find(listener.gateways.begin(), listener.gateways.end(), name) ==
          listener.gateways.end()) {
        listener.gateways.push_back(name);
      }
      built.servers.push_back({gateway, &server});
    }
  }
  return out;
}

// A virtual service's host that none of its gateways lets in can never be asked for.
void check_hosts(const SpecSet& specs, const VirtualServiceSpec& spec,
                 const std::string& cluster_domain, Diagnostics& diagnostics) {
  std::vector<const GatewaySpec*> gateways;
  for (const GatewayReference& reference : spec.gateways) {
    const auto found = specs.gateway_by_name.find(reference.full_name());
    if (found != specs.gateway_by_name.end()) gateways.push_back(found->second);
  }
  for (const PlacedText& host : spec.hosts) {
    const std::string full = qualify(host.value, spec.meta.name_space, cluster_domain);
    bool allowed = gateways.empty();
    std::vector<std::string> offered;
    for (const GatewaySpec* gateway : gateways) {
      allowed |= gateway->servers.empty();
      for (const ServerSpec& server : gateway->servers) {
        for (const GatewayHost& offer : server.hosts) {
          allowed |= admits(offer, spec.meta.name_space) && intersect(offer.host, full).has_value();
          offered.push_back(offer.host);
        }
      }
    }
    if (!allowed) {
      add_warning(
          diagnostics, host.origin, "host_not_in_gateway",
          fmt::format("none of the gateways named lets in the host `{}` from namespace {}", full,
                      spec.meta.name_space),
          fmt::format("they have {}: add the host there, or correct it here", name_list(offered)));
    } else if (full != host.value && !gateways.empty()) {
      add_warning(diagnostics, host.origin, "short_host",
                  fmt::format("a name without a dot is a Service here: only requests with `Host: "
                              "{}` match",
                              full),
                  "write the name that clients ask for");
    }
  }
}

// Gateways of namespaces that the virtual service is not exported to do not see it.
void check_export(const SpecSet& specs, const VirtualServiceSpec& spec, Diagnostics& diagnostics) {
  for (const GatewayReference& reference : spec.gateways) {
    if (!specs.gateway_by_name.contains(reference.full_name())) continue;
    if (spec.export_to.reaches(reference.name_space)) continue;
    add_warning(diagnostics, spec.export_to.origin, "not_exported",
                fmt::format("it is not exported to namespace {}, where Gateway {} is: it has no "
                            "effect there",
                            reference.name_space, reference.full_name()),
                fmt::format("add `{}`, or `*`", reference.name_space));
  }
}

// Routes of a kind that no server of the gateways named can use.
void check_protocols(const SpecSet& specs, const VirtualServiceSpec& spec,
                     Diagnostics& diagnostics) {
  bool http = false;
  bool tcp = false;
  bool any = false;
  for (const GatewayReference& reference : spec.gateways) {
    const auto found = specs.gateway_by_name.find(reference.full_name());
    if (found == specs.gateway_by_name.end()) continue;
    for (const ServerSpec& server : found->second->servers) {
      any = true;
      (server.protocol == ServerProtocol::kTcp ? tcp : http) = true;
    }
  }
  const auto report = [&](const model::Origin& origin, const char* kind) {
    add_warning(diagnostics, origin, "no_server",
                fmt::format("none of the gateways named has a server of protocol {}: the route has "
                            "no effect",
                            kind),
                fmt::format("add a server with `protocol: {}`", kind));
  };
  if (any && !tcp && !spec.tcp.empty()) report(spec.tcp.front().origin, "TCP");
  if (any && !http && !spec.http.empty()) report(spec.http.front().route.origin, "HTTP");
}

}  // namespace

void check_gateways(const VirtualServiceSpec& spec, const SpecSet& specs, Diagnostics& problems) {
  for (const GatewayReference& reference : spec.gateways) {
    if (specs.gateway_by_name.contains(reference.full_name())) continue;
    std::string elsewhere;
    const std::string end = "/" + reference.name;
    for (const std::string& name : specs.gateway_names) {
      if (name.ends_with(end)) elsewhere = name;
    }
    std::string hint;
    if (specs.rejected_gateways.contains(reference.full_name())) {
      hint = "it exists but is rejected: see its own error";
    } else if (!elsewhere.empty()) {
      hint = fmt::format("write `{}`", elsewhere);
    } else {
      hint =
          did_you_mean(reference.full_name(), specs.gateway_names, "add it, or correct the name");
    }
    add_error(problems, reference.origin, "gateway_not_found",
              fmt::format("no Gateway `{}` is in force", reference.full_name()), std::move(hint));
  }
}

void check_placement(const VirtualServiceSpec& spec, const SpecSet& specs,
                     const std::string& cluster_domain, Diagnostics& diagnostics) {
  check_hosts(specs, spec, cluster_domain, diagnostics);
  check_export(specs, spec, diagnostics);
  check_protocols(specs, spec, diagnostics);
}

namespace {

// The clusters that listeners' routes name, of the first virtual service that has them.
Clusters collect_clusters(const std::vector<model::Listener>& listeners,
                          const LinkedServices& services) {
  std::unordered_set<std::string_view> named;
  const auto take = [&](const std::vector<model::WeightedDestination>& destinations) {
    for (const auto& destination : destinations) named.insert(destination.cluster);
  };
  for (const model::Listener& listener : listeners) {
    for (const model::TcpRoute& route : listener.tcp_routes) take(route.destinations);
    for (const model::VirtualHostPtr& host : listener.virtual_hosts) {
      for (const model::Route& route : host->routes) {
        take(route.destinations);
        for (const model::Mirror& mirror : route.mirrors) named.insert(mirror.cluster);
      }
    }
  }
  Clusters out;
  for (const auto& service : services) {
    for (const auto& [key, cluster] : service->clusters) {
      if (named.contains(key)) out.try_emplace(key, cluster);
    }
  }
  return out;
}

// When routes name the same clusters as before, only those of virtual services that were linked again can differ.
bool refresh_clusters(const LinkedServices& relinked, Clusters& clusters) {
  for (const auto& service : relinked) {
    // A cluster that something is wrong with belongs to the first virtual service that names it.
    if (!service->problems.empty()) return false;
    for (const auto& [key, cluster] : service->clusters) {
      const auto found = clusters.find(key);
      if (found == clusters.end()) return false;
      found->second = cluster;
    }
  }
  return true;
}

}  // namespace

model::World build_world(const SpecSet& specs, LinkedServices services,
                         const Labels& gateway_labels, const std::string& cluster_domain,
                         WorldMemory& memory, Diagnostics& diagnostics) {
  model::World world;
  bool same_names = memory.filled;
  LinkedServices relinked;
  std::map<std::string, VirtualHostMemory> listeners;
  for (auto& [key, built] : collect(specs, gateway_labels, diagnostics)) {
    if (built.servers.front().server->protocol == ServerProtocol::kTcp) {
      built.listener.tcp_routes =
          build_tcp_routes(built.servers, services, cluster_domain, diagnostics);
      same_names = false;
    } else {
      VirtualHostMemory& hosts = listeners[built.listener.name];
      if (const auto old = memory.listeners.find(built.listener.name);
          old != memory.listeners.end()) {
        hosts = std::move(old->second);
      }
      built.listener.virtual_hosts =
          build_virtual_hosts(built.servers, services, cluster_domain, hosts, diagnostics);
      same_names = same_names && hosts.same_clusters;
      relinked.insert(relinked.end(), hosts.relinked.begin(), hosts.relinked.end());
    }
    world.listeners.push_back(std::move(built.listener));
  }
  if (!same_names || !refresh_clusters(relinked, memory.clusters)) {
    memory.clusters = collect_clusters(world.listeners, services);
  }
  memory.listeners = std::move(listeners);
  memory.filled = true;
  world.clusters = memory.clusters;
  return world;
}

}  // namespace sluice::config
