// SPDX-License-Identifier: Apache-2.0
#include "agent/health/registry.hpp"

#include <algorithm>
#include <chrono>

namespace sluice::health {

Registry::Registry(const Clock& clock, UnixSeconds unix_seconds)
    : clock_(clock), unix_seconds_(std::move(unix_seconds)) {
  if (unix_seconds_) return;
  unix_seconds_ = [] {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
}

std::int64_t Registry::serving_since(const model::Endpoint& endpoint, bool added) const {
  const auto now = std::chrono::duration_cast<Nanoseconds>(clock_.now().time_since_epoch());
  if (endpoint.ready_since == 0) return added ? now.count() : 0;
  // Clocks of nodes differ: what is ahead counts as now. Before this machine booted is for long.
  const std::int64_t age = std::max<std::int64_t>(0, unix_seconds_() - endpoint.ready_since);
  if (age > std::chrono::duration_cast<std::chrono::seconds>(now).count()) return 0;
  return (now - std::chrono::seconds(age)).count();
}

Records Registry::find(const std::string& cluster, const model::TrafficPolicyPtr& policy,
                       std::span<const model::Endpoint> endpoints) {
  Records out;
  const MutexLock lock(mutex_);
  auto& known = clusters_[cluster];
  out.cluster = known.lock();
  if (!out.cluster) known = out.cluster = std::make_shared<ClusterRecord>(cluster);
  ClusterRecord& record = *out.cluster;
  const MutexLock cluster_lock(record.mutex_);
  record.policy_ = policy;
  const bool had_endpoints = !record.endpoints_.empty();
  out.endpoints.reserve(endpoints.size());
  for (const model::Endpoint& endpoint : endpoints) {
    auto& weak = record.endpoints_[endpoint.address];
    auto found = weak.lock();
    if (!found) {
      weak = found = std::make_shared<EndpointRecord>(out.cluster, endpoint.address);
      found->state().serving_since_ns.store(serving_since(endpoint, had_endpoints));
    } else if (endpoint.ready_since != found->ready_since_) {
      // It was unready meanwhile.
      found->state().serving_since_ns.store(serving_since(endpoint, true));
    }
    found->ready_since_ = endpoint.ready_since;
    out.endpoints.push_back(std::move(found));
  }
  return out;
}

void Registry::add_worker(std::uint32_t worker, Give give) {
  const MutexLock lock(workers_mutex_);
  workers_[worker] = std::move(give);
}

void Registry::remove_worker(std::uint32_t worker) {
  const MutexLock lock(workers_mutex_);
  workers_.erase(worker);
}

void Registry::ask_for_connection(const std::shared_ptr<ClusterRecord>& cluster,
                                  std::uint32_t worker) {
  const MutexLock lock(workers_mutex_);
  for (const auto& [index, give] : workers_) {
    if (index != worker) give(cluster);
  }
}

std::vector<std::shared_ptr<ClusterRecord>> Registry::live() {
  std::vector<std::shared_ptr<ClusterRecord>> out;
  const MutexLock lock(mutex_);
  for (auto entry = clusters_.begin(); entry != clusters_.end();) {
    if (auto cluster = entry->second.lock()) {
      out.push_back(std::move(cluster));
      ++entry;
    } else {
      entry = clusters_.erase(entry);
    }
  }
  return out;
}

void Registry::sweep() {
  const TimePoint now = clock_.now();
  for (const auto& cluster : live()) cluster->sweep(now);
}

std::vector<ClusterView> Registry::views() {
  const TimePoint now = clock_.now();
  std::vector<ClusterView> out;
  for (const auto& cluster : live()) out.push_back(cluster->view(now));
  std::ranges::sort(out, {}, &ClusterView::key);
  return out;
}

}  // namespace sluice::health
