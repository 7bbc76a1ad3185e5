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

Resolved Resolver::choose(const model::Cluster& cluster) {
  Resolved out;
  out.endpoints = ready_of(cluster.endpoints);
  if (!out.endpoints.empty()) {
    out.state = ShareState::kReady;
    return out;
  }
  if (previous_ != nullptr) {
    for (const auto& candidate : candidates_to_keep(cluster, *previous_)) {
      if (const auto* now = find_ready(candidate.address)) out.endpoints.push_back(*now);
    }
  }
  out.state = out.endpoints.empty() ? ShareState::kEmpty : ShareState::kKept;
  if (out.state == ShareState::kEmpty) out.draining = draining_of(cluster.endpoints);
  return out;
}

Resolved Resolver::resolve(const model::Cluster& cluster) {
  Resolved out = choose(cluster);
  // After the choice: an endpoint that is near and not ready says nothing about who is nearest.
  balance::apply_locality(out.endpoints, *cluster.policy, own_);
  balance::apply_locality(out.draining, *cluster.policy, own_);
  return out;
}

const Resolved& Resolver::of(const std::string& key) {
  const auto found = done_.find(key);
  if (found != done_.end()) return found->second;
  return done_.emplace(key, resolve(*world_.clusters.at(key))).first->second;
}

std::map<std::string, std::vector<model::Endpoint>> Resolver::kept() const {
  std::map<std::string, std::vector<model::Endpoint>> out;
  for (const auto& [key, resolved] : done_) {
    if (resolved.state == ShareState::kKept) out.emplace(key, resolved.endpoints);
  }
  return out;
}

}  // namespace sluice::snapshot
