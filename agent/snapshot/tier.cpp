// SPDX-License-Identifier: Apache-2.0
#include "agent/snapshot/tier.hpp"

#include <algorithm>
#include <optional>

#include "agent/snapshot/obstacles.hpp"

namespace sluice::snapshot {
namespace {

using Clusters = std::map<std::string, model::ClusterPtr>;

const model::Route& route_of(const Listener& listener, std::uint32_t route_id) {
  const auto& entry = listener.routes.routes()[route_id];
  return listener.routes.virtual_hosts()[entry.virtual_host]->routes[entry.route];
}

// "route "v1" of default/echo (echo.yaml:12)"
std::string name_of(const Listener& listener, std::uint32_t route_id) {
  const auto& entry = listener.routes.routes()[route_id];
  const auto& host = *listener.routes.virtual_hosts()[entry.virtual_host];
  const model::Route& route = host.routes[entry.route];
  std::string out = route.name.empty() ? "route " + std::to_string(entry.route + 1)
                                       : "route \"" + route.name + "\"";
  out += " of " + host.name;
  const std::string place = location(route.origin);
  return place.empty() ? out : out + " (" + place + ")";
}

std::optional<Obstacle> policy_obstacle(const Listener& listener, const BuildOptions& options,
                                        model::ForwardedHeaders forwarded_headers) {
  if (!options.kernel_path) {
    return Obstacle{"no_kernel_path",
                    "this node has no kernel path" +
                        (options.kernel_reason.empty() ? "" : ": " + options.kernel_reason),
                    {}};
  }
  if (listener.config.protocol == "TCP") {
    return Obstacle{"tcp_listener",
                    "connections of TCP listeners are carried by the agent from their first byte",
                    listener.config.origin};
  }
  if (listener.transport() == Transport::kUdp) {
    return Obstacle{"udp_listener", "datagrams are relayed by the agent, one by one",
                    listener.config.origin};
  }
  if (listener.config.proxy_protocol) {
    return Obstacle{"proxy_protocol",
                    "annotation sluice.dev/proxy-protocol: the client's address is in the bytes of "
                    "the connection, where only the agent reads it",
                    listener.config.origin};
  }
  if (listener.steer_after.mode == model::SteerAfter::Mode::kNever) {
    if (!listener.config.steer_after) {
      return Obstacle{"steer_never", "the agent runs with --steer-after never", {}};
    }
    return Obstacle{"steer_never", "annotation sluice.dev/steer-after is \"never\"",
                    listener.config.origin};
  }
  if (forwarded_headers == model::ForwardedHeaders::kAdd) {
    const std::string what = " adds forwarded headers to every request, which the kernel cannot";
    if (!listener.config.forwarded_headers) {
      return Obstacle{"forwarded_headers", "--forwarded-headers add" + what, {}};
    }
    return Obstacle{"forwarded_headers", "annotation sluice.dev/forwarded-headers: add" + what,
                    listener.config.origin};
  }
  if (options.access_log_per_request) {
    return Obstacle{"access_log", "the access log has a line for every request", {}};
  }
  return std::nullopt;
}

// What the gateway's annotations ask for that holds for every request and not only for the first of a connection.
std::optional<Obstacle> annotation_obstacle(const Listener& listener, const BuildOptions& options) {
  const model::Listener& config = listener.config;
  const auto obstacle = [&](const char* code, const char* annotation, const char* why) {
    return Obstacle{code, std::string("annotation sluice.dev/") + annotation + ": " + why,
                    config.origin};
  };
  const auto normalization =
      config.path_normalization ? config.path_normalization : options.path_normalization;
  if (normalization && *normalization != model::PathNormalization::kNone) {
    if (config.path_normalization) {
      return obstacle("path_normalization", "path-normalization", "every path is normalised");
    }
    return Obstacle{"path_normalization", "--path-normalization: every path is normalised", {}};
  }
  if (config.desync_mode == model::DesyncMode::kStrictest) {
    return obstacle("desync_mode", "desync-mode", "every request is judged");
  }
  if (options.desync_mode == model::DesyncMode::kStrictest && !config.desync_mode) {
    return Obstacle{"desync_mode", "--desync-mode strictest: every request is judged", {}};
  }
  if (!options.request_flag.empty()) return Obstacle{"request_flag", options.request_flag, {}};
  if (config.max_body_bytes) {
    return obstacle("max_body_bytes", "max-body-bytes", "every body is counted");
  }
  if (config.max_connections) {
    return obstacle("listener_max_connections", "max-connections",
                    "the agent counts the connections that it carries");
  }
  return std::nullopt;
}

std::optional<Obstacle> routes_obstacle(const Listener& listener,
                                        const std::vector<DestinationSetPtr>& sets) {
  for (const auto& host : listener.routes.virtual_hosts()) {
    if (!host->https_redirect) continue;
    return Obstacle{"https_redirect",
                    "tls.httpsRedirect sends the clients of " + host->name + " to https",
                    host->origin};
  }
  if (const auto& gap = listener.routes.gap()) {
    return Obstacle{"not_total", "some requests match no route: " + gap->message, gap->origin};
  }
  const auto& reachable = listener.routes.reachable();
  for (const std::uint32_t id : reachable) {
    const model::Route& route = route_of(listener, id);
    if (acts_on_requests(route)) return route_obstacle(route, name_of(listener, id));
  }
  for (const std::uint32_t id : reachable) {
    if (!sets[listener.route_sets[id]]->shares.empty()) continue;
    return Obstacle{
        "no_destination",
        name_of(listener, id) + " has no destination in force, so its requests get an error",
        route_of(listener, id).origin};
  }
  for (const std::uint32_t id : reachable) {
    if (listener.route_sets[id] == listener.route_sets[reachable.front()]) continue;
    return Obstacle{"routes_differ",
                    name_of(listener, reachable.front()) + " and " + name_of(listener, id) +
                        " lead to different destinations",
                    route_of(listener, id).origin};
  }
  return std::nullopt;
}

// Of the one set that all routes lead to.
std::optional<Obstacle> set_obstacle(const DestinationSet& set, const Clusters& clusters) {
  for (const Share& share : set.shares) {
    const auto cluster = clusters.find(share.cluster);
    if (share.weight == 0 || cluster == clusters.end()) continue;
    if (share.invalid) {
      return Obstacle{"no_destination", "a share of the requests is answered with 500",
                      share.origin};
    }
    if (auto obstacle = cluster_obstacle(*cluster->second)) return obstacle;
  }
  return std::nullopt;
}

bool asks_for_path(const model::Route& route) {
  if (route.redirect || (route.rewrite && (route.rewrite->path || route.rewrite->regex)))
    return true;
  return std::ranges::any_of(route.matches, [](const model::RouteMatch& match) {
    const bool any = match.uri && match.uri->kind == model::StringMatch::Kind::kPrefix &&
                     (match.uri->value.empty() || match.uri->value == "/");
    return match.uri && !any;
  });
}

// Unless someone asks for a form, a path is only changed where it decides something: else the connection tier, which
// forwards bytes as they came, would show endpoints another path than the request tier.
model::PathNormalization normalization_of(const Listener& listener, const BuildOptions& options,
                                          bool one_way) {
  if (listener.config.path_normalization) return *listener.config.path_normalization;
  if (options.path_normalization) return *options.path_normalization;
  const auto& reachable = listener.routes.reachable();
  const bool asked = !one_way && std::ranges::any_of(reachable, [&](std::uint32_t id) {
    return asks_for_path(route_of(listener, id));
  });
  return asked ? model::PathNormalization::kMergeSlashes : model::PathNormalization::kNone;
}

// Both tiers alike: the agent's own connections show the client's address too.
void choose_client_address(Listener& listener, const BuildOptions& options) {
  listener.preserve_client = false;
  listener.client_address_reason.clear();
  if (listener.config.client_address.value_or(options.client_address) ==
      model::ClientAddress::kNode)
    return;
  if (!options.kernel_path) {
    listener.client_address_reason =
        "pods see the node's address: this node has no kernel path" +
        (options.kernel_reason.empty() ? "" : ": " + options.kernel_reason);
  } else if (listener.transport() == Transport::kUdp) {
    listener.client_address_reason =
        "pods see the node's address: client-address is for HTTP listeners";
  } else if (listener.config.protocol == "TCP") {
    listener.client_address_reason =
        "pods see the node's address: client-address is for HTTP listeners; use the PROXY protocol";
  } else {
    listener.preserve_client = true;
  }
}

}  // namespace

void choose_tier(Listener& listener, const std::vector<DestinationSetPtr>& sets,
                 const Clusters& clusters, const BuildOptions& options) {
  const auto forwarded_headers =
      listener.config.forwarded_headers.value_or(options.forwarded_headers);
  listener.steer_after = listener.config.steer_after.value_or(options.steer_after);

  choose_client_address(listener, options);
  auto obstacle = policy_obstacle(listener, options, forwarded_headers);
  if (!obstacle) obstacle = annotation_obstacle(listener, options);
  auto routes = routes_obstacle(listener, sets);
  listener.path_normalization = normalization_of(listener, options, !routes);
  if (!obstacle) obstacle = std::move(routes);
  if (!obstacle) {
    const std::uint32_t first = listener.routes.reachable().front();
    obstacle = set_obstacle(*sets[listener.route_sets[first]], clusters);
  }
  if (obstacle) {
    listener.tier = Tier::kRequest;
    listener.tier_code = obstacle->code;
    const std::string place = location(obstacle->origin);
    listener.tier_reason = obstacle->reason + (place.empty() ? "" : " at " + place);
    listener.tier_origin = obstacle->origin;
  } else {
    listener.tier = Tier::kConnection;
    listener.tier_code = "steerable";
    listener.tier_reason = "every request leads to the same destinations";
    listener.steer_set = listener.route_sets[listener.routes.reachable().front()];
  }
  listener.add_forwarded_headers =
      forwarded_headers == model::ForwardedHeaders::kAdd ||
      (forwarded_headers == model::ForwardedHeaders::kAuto && listener.tier == Tier::kRequest);
}

}  // namespace sluice::snapshot
