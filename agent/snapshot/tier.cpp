// SPDX-License-Identifier: Apache-2.0
#include "agent/snapshot/tier.hpp"

#include <optional>

namespace sluice::snapshot {
namespace {

struct Obstacle {
  std::string code;
  std::string reason;
  model::Origin origin;
};

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
  return std::nullopt;
}

std::optional<Obstacle> route_obstacle(const Listener& listener,
                                       const std::vector<DestinationSetPtr>& sets) {
  if (const auto& gap = listener.routes.gap()) {
    return Obstacle{"not_total", "some requests match no route: " + gap->message, gap->origin};
  }
  const auto& reachable = listener.routes.reachable();
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

}  // namespace

void choose_tier(Listener& listener, const std::vector<DestinationSetPtr>& sets,
                 const BuildOptions& options) {
  const auto forwarded_headers =
      listener.config.forwarded_headers.value_or(options.forwarded_headers);
  listener.steer_after = listener.config.steer_after.value_or(options.steer_after);

  auto obstacle = policy_obstacle(listener, options, forwarded_headers);
  if (!obstacle) obstacle = route_obstacle(listener, sets);
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
