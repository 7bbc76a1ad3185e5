// SPDX-License-Identifier: Apache-2.0
// snapshot::build: from desired state to one generation. Called by the update pipeline. Thread: any.
#include <algorithm>
#include <tuple>

#include "agent/snapshot/destination_sets.hpp"
#include "agent/snapshot/resolve.hpp"
#include "agent/snapshot/snapshot.hpp"
#include "agent/snapshot/tier.hpp"

namespace sluice::snapshot {
namespace {

Result<Listener> build_listener(const model::Listener& config, DestinationSets& sets) {
  auto routes = routing::RouteTable::compile(config.virtual_hosts, config.port);
  if (!routes) return tl::unexpected(std::move(routes).error());
  Listener out{.config = config,
               .routes = std::move(*routes),
               .route_sets = {},
               .tcp_sets = {},
               .tier = Tier::kRequest,
               .tier_reason = {},
               .tier_code = {},
               .tier_origin = {},
               .steer_set = 0,
               .steer_after = {},
               .add_forwarded_headers = false,
               .path_normalization = {}};
  if (out.config.bind && out.config.bind->is_unspecified()) out.config.bind.reset();
  for (const auto& entry : out.routes.routes()) {
    const auto& host = out.routes.virtual_hosts()[entry.virtual_host];
    auto set = sets.intern(host->routes[entry.route]);
    if (!set) return tl::unexpected(std::move(set).error());
    out.route_sets.push_back(*set);
  }
  for (const auto& route : out.config.tcp_routes) {
    auto set = sets.intern(route);
    if (!set) return tl::unexpected(std::move(set).error());
    out.tcp_sets.push_back(*set);
  }
  return out;
}

}  // namespace

Result<SnapshotPtr> build(const model::World& world, std::uint64_t generation,
                          const SnapshotPtr& previous, const BuildOptions& options) {
  auto out = std::make_shared<Snapshot>();
  out->generation = generation;
  const auto resolved = resolve(world, previous.get());
  DestinationSets sets(world, resolved);
  std::vector<Listener> listeners;
  for (const auto& config : world.listeners) {
    auto listener = build_listener(config, sets);
    if (!listener) return tl::unexpected(std::move(listener).error());
    listeners.push_back(std::move(*listener));
  }
  std::ranges::stable_sort(listeners, [](const Listener& a, const Listener& b) {
    return std::tie(a.config.port, a.config.bind) < std::tie(b.config.port, b.config.bind);
  });
  out->destination_sets = sets.take_sets();
  out->conditions = sets.take_conditions();
  for (auto& listener : listeners) {
    choose_tier(listener, out->destination_sets, world.clusters, options);
    out->listeners.push_back(std::make_shared<const Listener>(std::move(listener)));
  }
  out->clusters = world.clusters;
  for (const auto& [key, cluster] : resolved) {
    if (cluster.state == ShareState::kKept) out->kept.emplace(key, cluster.endpoints);
  }
  return out;
}

}  // namespace sluice::snapshot
