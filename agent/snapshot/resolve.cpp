// SPDX-License-Identifier: Apache-2.0
#include "agent/snapshot/resolve.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>

namespace sluice::snapshot {
namespace {

std::vector<model::Endpoint> ready_of(const std::vector<model::Endpoint>& endpoints) {
  std::vector<model::Endpoint> out;
  std::ranges::copy_if(endpoints, std::back_inserter(out), &model::Endpoint::ready);
  return out;
}

std::vector<model::Endpoint> draining_of(const std::vector<model::Endpoint>& endpoints) {
  std::vector<model::Endpoint> out;
  std::ranges::copy_if(endpoints, std::back_inserter(out), [](const model::Endpoint& endpoint) {
    return endpoint.terminating && endpoint.serving;
  });
  return out;
}

// Ready endpoints of all clusters by address; made on first use, which is rare.
class ReadyIndex {
 public:
  explicit ReadyIndex(const model::World& world) : world_(world) {}

  const model::Endpoint* find(const SocketAddress& address) {
    if (!index_) {
      index_.emplace();
      for (const auto& [key, cluster] : world_.clusters) {
        for (const auto& endpoint : cluster->endpoints) {
          if (endpoint.ready) index_->try_emplace(endpoint.address, &endpoint);
        }
      }
    }
    const auto found = index_->find(address);
    return found == index_->end() ? nullptr : found->second;
  }

 private:
  const model::World& world_;
  std::optional<std::unordered_map<SocketAddress, const model::Endpoint*, SocketAddressHash>>
      index_;
};

// What the cluster was served by before, if that may be carried on.
std::vector<model::Endpoint> candidates_to_keep(const model::Cluster& cluster,
                                                const Snapshot& previous) {
  if (const auto kept = previous.kept.find(cluster.key); kept != previous.kept.end()) {
    return kept->second;
  }
  const auto before = previous.clusters.find(cluster.key);
  if (before == previous.clusters.end() || before->second->selector == cluster.selector) return {};
  return ready_of(before->second->endpoints);
}

}  // namespace

std::map<std::string, Resolved> resolve(const model::World& world, const Snapshot* previous) {
  ReadyIndex ready(world);
  std::map<std::string, Resolved> out;
  for (const auto& [key, shared] : world.clusters) {
    const model::Cluster& cluster = *shared;
    Resolved& resolved = out[key];
    resolved.endpoints = ready_of(cluster.endpoints);
    if (!resolved.endpoints.empty()) {
      resolved.state = ShareState::kReady;
      continue;
    }
    if (previous) {
      for (const auto& candidate : candidates_to_keep(cluster, *previous)) {
        if (const auto* now = ready.find(candidate.address)) resolved.endpoints.push_back(*now);
      }
    }
    resolved.state = resolved.endpoints.empty() ? ShareState::kEmpty : ShareState::kKept;
    if (resolved.state == ShareState::kEmpty) resolved.draining = draining_of(cluster.endpoints);
  }
  return out;
}

}  // namespace sluice::snapshot
