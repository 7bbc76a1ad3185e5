// SPDX-License-Identifier: Apache-2.0
// Obstacles: what of routes and clusters acts on every request, so that the agent must see each of them. Used by
// tier. Pure. Thread: any.
#pragma once
#include <optional>
#include <string>

#include "agent/model/endpoint.hpp"
#include "agent/model/route.hpp"

namespace sluice::snapshot {

struct Obstacle {
  std::string code;    // stable, as Listener::tier_code
  std::string reason;  // a sentence without its place
  model::Origin origin;
};

// Whether route_obstacle() finds anything, without making a sentence of it: most of thousands of routes have nothing.
[[nodiscard]] bool acts_on_requests(const model::Route& route);
// The first action of the route; `name` says which route it is.
[[nodiscard]] std::optional<Obstacle> route_obstacle(const model::Route& route,
                                                     const std::string& name);
// The first limit, watch or choice of the cluster's policy that counts requests or looks into them.
[[nodiscard]] std::optional<Obstacle> cluster_obstacle(const model::Cluster& cluster);

}  // namespace sluice::snapshot
