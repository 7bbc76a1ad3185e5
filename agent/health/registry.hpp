// SPDX-License-Identifier: Apache-2.0
// Registry: finds the records of clusters and endpoints by key, so that all workers and generations share them; the
// sweep that takes ejected endpoints back.
// Callers: workers (when they make a generation), main (sweep, views). Thread: any; locked, so not per request.
// Invariants: one live record a (cluster, address); it goes when the last generation that names it is gone.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/base/clock.hpp"
#include "agent/base/thread_role.hpp"
#include "agent/health/cluster_record.hpp"
#include "agent/model/endpoint.hpp"

namespace sluice::health {

// The records of a cluster as one generation uses it.
struct Records {
  std::shared_ptr<ClusterRecord> cluster;
  std::vector<std::shared_ptr<EndpointRecord>> endpoints;  // as asked for
};

class Registry {
 public:
  using UnixSeconds = std::function<std::int64_t()>;
  // `unix_seconds`: the wall clock, to which ready_since of endpoints refers; null: the system's.
  explicit Registry(const Clock& clock, UnixSeconds unix_seconds = nullptr);

  // Made where there are none yet. `policy` is what the sweep goes by from now on. An endpoint serves since its
  // ready_since; where that is unknown, since now if the cluster had other endpoints before, else for long.
  [[nodiscard]] Records find(const std::string& cluster, const model::TrafficPolicyPtr& policy,
                             std::span<const model::Endpoint> endpoints);

  // A worker that has idle connections to give away: `give` (thread: any) makes it close one of that cluster. To be
  // removed before the worker goes.
  using Give = std::function<void(std::shared_ptr<ClusterRecord>)>;
  void add_worker(std::uint32_t worker, Give give);
  void remove_worker(std::uint32_t worker);
  // `worker` waits for a connection of a cluster that has as many as it may: asks the others for an idle one.
  void ask_for_connection(const std::shared_ptr<ClusterRecord>& cluster, std::uint32_t worker);

  // Takes back endpoints whose ejection is over. To be called several times a second: the ejection lasts that much
  // longer at most.
  void sweep();
  // By key; clusters that are in use.
  [[nodiscard]] std::vector<ClusterView> views();

 private:
  [[nodiscard]] std::vector<std::shared_ptr<ClusterRecord>> live();
  [[nodiscard]] std::int64_t serving_since(const model::Endpoint& endpoint, bool added) const;

  const Clock& clock_;
  UnixSeconds unix_seconds_;
  Mutex mutex_;
  std::unordered_map<std::string, std::weak_ptr<ClusterRecord>> clusters_ LB_GUARDED_BY(mutex_);
  Mutex workers_mutex_;
  std::unordered_map<std::uint32_t, Give> workers_ LB_GUARDED_BY(workers_mutex_);
};

}  // namespace sluice::health
