// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/generation.hpp"

#include <algorithm>
#include <unordered_map>

#include "agent/proxy/context.hpp"

namespace sluice::proxy {

EndpointPool* Target::pick_endpoint() {
  const auto index = endpoints.pick();
  return index ? pools[*index].get() : nullptr;
}

Generation::Generation(Context& context, snapshot::SnapshotPtr snapshot, const Generation* previous,
                       std::uint64_t serial)
    : snapshot_(std::move(snapshot)), serial_(serial) {
  if (context.steering) {
    for (const snapshot::ListenerPtr& listener : snapshot_->listeners) {
      listener_ids_.emplace(listener.get(), context.steering->listener_id(listener->config.name));
    }
  }
  std::unordered_map<std::string_view, const Set*> old;
  if (previous != nullptr) {
    for (std::size_t i = 0; i < previous->sets_.size(); ++i) {
      const auto& set = previous->snapshot_->destination_sets[i];
      if (set) old.emplace(set->key, &previous->sets_[i]);
    }
  }
  sets_.reserve(snapshot_->destination_sets.size());
  for (const snapshot::DestinationSetPtr& set : snapshot_->destination_sets) {
    if (!set) {
      sets_.emplace_back();
      continue;
    }
    const auto found = old.find(set->key);
    build_set(context, *set, found == old.end() ? nullptr : found->second);
  }
}

void Generation::build_set(Context& context, const snapshot::DestinationSet& source,
                           const Set* old) {
  Set& set = sets_.emplace_back();
  for (const snapshot::Share& share : source.shares) set.weights.push_back(share.effective_weight);
  const bool same_weights = old != nullptr && old->weights == set.weights;
  set.pick = same_weights ? old->pick : balance::WeightedPick(set.weights);
  for (std::size_t i = 0; i < source.shares.size(); ++i) {
    Target& target = set.targets.emplace_back();
    target.share = &source.shares[i];
    target.report = &context.report.clusters[target.share->cluster];
    const auto& endpoints = target.share->endpoints;
    // Equal keys mean the same shares in the same order.
    const bool same = old != nullptr && old->targets[i].share->endpoints == endpoints;
    target.endpoints =
        same ? old->targets[i].endpoints : balance::EndpointPick(endpoints, context.options.index);
    target.pools.reserve(endpoints.size());
    for (const model::Endpoint& endpoint : endpoints) {
      target.pools.push_back(context.pools.get(endpoint.address, serial_));
    }
  }
}

Target* Generation::pick(std::uint32_t index) {
  Set& set = sets_[index];
  const auto choice = set.pick.pick();
  return choice ? &set.targets[*choice] : nullptr;
}

}  // namespace sluice::proxy
