// SPDX-License-Identifier: Apache-2.0
#include "agent/snapshot/resolve.hpp"

#include <algorithm>
#include <iterator>

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

// What the cluster was served by before, if that may be carried on.
model::EndpointList candidates_to_keep(const model::Cluster& cluster, const Snapshot& previous) {
  if (const auto kept = previous.kept.find(cluster.key); kept != previous.kept.end()) {
    return kept->second;
  }
  const auto before = previous.clusters.find(cluster.key);
  if (before == previous.clusters.end() || before->second->selector == cluster.selector) return {};
  return ready_of(before->second->endpoints);
}

}  // namespace

const model::Endpoint* Resolver::find_ready(const SocketAddress& address) {
  if (!ready_) {
    ready_.emplace();
    for (const auto& [key, cluster] : world_.clusters) {
      for (const auto& endpoint : cluster->endpoints) {
        if (endpoint.ready) ready_->try_emplace(endpoint.address, &endpoint);
      }
    }
  }
  const auto found = ready_->find(address);
  return found == ready_->end() ? nullptr : found->second;
}

std::vector<model::Endpoint> Resolver::still_ready(const model::Cluster& cluster) {
  std::vector<model::Endpoint> out;
  if (previous_ == nullptr) return out;
  for (const auto& candidate : candidates_to_keep(cluster, *previous_)) {
    if (const auto* now = find_ready(candidate.address)) out.push_back(*now);
  }
  return out;
}

Resolved Resolver::resolve(const model::ClusterPtr& cluster) {
  Resolved out;
  std::vector<model::Endpoint> draining;
  std::vector<model::Endpoint> endpoints = ready_of(cluster->endpoints);
  if (!endpoints.empty()) {
    out.state = ShareState::kReady;
  } else {
    endpoints = still_ready(*cluster);
    if (!endpoints.empty()) {
      out.state = ShareState::kKept;
    } else {
      draining = draining_of(cluster->endpoints);
    }
  }
  // After the choice: an endpoint that is near and not ready says nothing about who is nearest.
  balance::apply_locality(endpoints, *cluster->policy, own_);
  balance::apply_locality(draining, *cluster->policy, own_);
  // Mostly all of them as they are: those are not kept twice.
  out.endpoints = endpoints == cluster->endpoints
                      ? model::EndpointList({cluster, &cluster->endpoints})
                      : model::EndpointList(std::move(endpoints));
  out.draining = std::move(draining);
  return out;
}

const Resolved& Resolver::of(const std::string& key) {
  const auto found = done_.find(key);
  if (found != done_.end()) return found->second;
  return done_.emplace(key, resolve(world_.clusters.at(key))).first->second;
}

std::map<std::string, model::EndpointList> Resolver::kept() const {
  std::map<std::string, model::EndpointList> out;
  for (const auto& [key, resolved] : done_) {
    if (resolved.state == ShareState::kKept) out.emplace(key, resolved.endpoints);
  }
  return out;
}

}  // namespace sluice::snapshot
