// SPDX-License-Identifier: Apache-2.0
// What several views show alike: plain values of the agent as messages of control.proto, and sums over workers.
// Pure. Thread: any.
#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "agent/control/control.pb.h"
#include "agent/health/cluster_record.hpp"
#include "agent/model/origin.hpp"
#include "agent/model/route.hpp"
#include "agent/model/world.hpp"
#include "agent/proxy/worker_report.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::app {

namespace v1 = control::v1;

using ClusterReports = std::map<std::string, proxy::ClusterReport>;

// What all workers counted, by Cluster::key; without clusters that were given up (ClusterReport::kHide).
[[nodiscard]] ClusterReports sum_clusters(std::span<const proxy::WorkerReport> workers);
// What a realised share counts: requests that the cluster was picked for, and those that the kernel carried to it
// since. Of a set: the sum of its clusters, what it is a share of.
[[nodiscard]] std::uint64_t requests_of(const snapshot::DestinationSet& set,
                                        const ClusterReports& reports);
[[nodiscard]] std::uint64_t requests_of(const std::string& cluster, const ClusterReports& reports);
// Effective weight over the sum of effective weights, 0..1; 0 when the sum is 0.
[[nodiscard]] double wanted_ratio(const snapshot::DestinationSet& set,
                                  const snapshot::Share& share);

[[nodiscard]] const char* name_of(
    snapshot::ShareState state);                         // "ready", "kept", "draining", "empty"
[[nodiscard]] const char* name_of(snapshot::Tier tier);  // "connection", "request"
[[nodiscard]] std::string text_of(const model::SteerAfter& after);  // "never", "auto", "4"
// All conditions in the words that near misses use: `uri prefix "/api", method exact "GET"`; "" = none.
[[nodiscard]] std::string describe(const model::RouteMatch& match);

void fill(const model::Origin& from, v1::Origin& to);
void fill(const snapshot::DestinationSet& set, const snapshot::Share& from,
          const ClusterReports& reports, v1::Share& to);
// What is known of the clusters of a snapshot besides: what workers counted, and health by Registry::views().
struct ClusterFacts {
  ClusterReports reports;
  std::span<const health::ClusterView> health;
};
// The cluster's endpoints, and those of an earlier selector while they are kept in use.
void fill(const snapshot::Snapshot& snapshot, const model::Cluster& from, const ClusterFacts& facts,
          v1::ClusterStatus& to);

}  // namespace sluice::app
