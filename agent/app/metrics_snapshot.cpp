// SPDX-License-Identifier: Apache-2.0
// Metrics of the generation in force: listeners and tiers, endpoints, conditions, shares wanted and realised.
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/app/metrics_parts.hpp"
#include "agent/app/view_parts.hpp"

namespace sluice::app {
namespace {

struct RouteShare {
  std::string route;  // "default/echo#0"
  const snapshot::DestinationSet* set;
  const snapshot::Share* share;
};

// Shares of routes with a choice: a single destination always has everything, and a mesh has thousands of those.
// A virtual host that several listeners share is told once.
std::vector<RouteShare> shares_of(const snapshot::Snapshot& snapshot) {
  std::vector<RouteShare> out;
  std::set<std::pair<std::string, std::string>> seen;
  for (const snapshot::ListenerPtr& shared : snapshot.listeners) {
    const snapshot::Listener& listener = *shared;
    for (std::size_t id = 0; id < listener.routes.routes().size(); ++id) {
      const auto& set = *snapshot.destination_sets[listener.route_sets[id]];
      if (set.shares.size() < 2) continue;
      const auto& entry = listener.routes.routes()[id];
      const auto& host = *listener.routes.virtual_hosts()[entry.virtual_host];
      const std::string route = host.name + "#" + std::to_string(entry.route);
      for (const snapshot::Share& share : set.shares) {
        if (seen.emplace(route, share.cluster).second) out.push_back({route, &set, &share});
      }
    }
  }
  return out;
}

void add_shares(const MetricsInput& input, Families& out) {
  std::vector<RouteShare> shares;
  if (input.snapshot) shares = shares_of(*input.snapshot);
  const ClusterReports reports = sum_clusters(input.workers);
  out.gauge("sluice_snapshot_share_wanted_ratio",
            "Share of a route's requests that a cluster should get, 0 to 1; routes with several "
            "destinations.");
  for (const auto& [route, set, share] : shares) {
    out.sample({{"route", route}, {"cluster", share->cluster}}, wanted_ratio(*set, *share));
  }
  out.gauge(
      "sluice_proxy_share_realised_ratio",
      "Share of the requests among a route's clusters that a cluster got since the start, those "
      "that the kernel carried included, 0 to 1.");
  for (const auto& [route, set, share] : shares) {
    const std::uint64_t all = requests_of(*set, reports);
    if (all == 0) continue;
    const auto own = static_cast<double>(requests_of(share->cluster, reports));
    out.sample({{"route", route}, {"cluster", share->cluster}}, own / static_cast<double>(all));
  }
}

void add_endpoints(const snapshot::Snapshot* snapshot, Families& out) {
  out.gauge("sluice_snapshot_endpoints", "Endpoints of a cluster by state.");
  if (snapshot == nullptr) return;
  for (const auto& [key, cluster] : snapshot->clusters) {
    std::uint64_t ready = 0, terminating = 0;
    for (const model::Endpoint& endpoint : cluster->endpoints) {
      if (endpoint.terminating) {
        ++terminating;
      } else if (endpoint.ready) {
        ++ready;
      }
    }
    out.sample({{"cluster", key}, {"state", "ready"}}, ready)
        .sample({{"cluster", key}, {"state", "terminating"}}, terminating)
        .sample({{"cluster", key}, {"state", "not_ready"}},
                cluster->endpoints.size() - ready - terminating);
  }
}

}  // namespace

void add_snapshot(const MetricsInput& input, Families& out) {
  const snapshot::Snapshot* snapshot = input.snapshot.get();
  out.gauge("sluice_snapshot_generation", "Number of the generation in force; 0 = none yet.")
      .sample({}, snapshot == nullptr ? 0 : snapshot->generation);
  out.gauge("sluice_snapshot_listener_info",
            "Always 1; tier and the code of its reason are labels.");
  if (snapshot != nullptr) {
    for (const snapshot::ListenerPtr& listener : snapshot->listeners) {
      out.sample({{"listener", listener->config.name},
                  {"tier", name_of(listener->tier)},
                  {"code", listener->tier_code}},
                 1);
    }
  }
  add_endpoints(snapshot, out);
  out.gauge("sluice_snapshot_condition",
            "1 for each condition that holds; lbctl status has the words.");
  if (snapshot != nullptr) {
    for (const snapshot::Condition& condition : snapshot->conditions) {
      out.sample({{"type", condition.type}, {"cluster", condition.cluster}}, 1);
    }
  }
  add_shares(input, out);
}

}  // namespace sluice::app
