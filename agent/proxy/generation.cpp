// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/generation.hpp"

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
  const auto& sources = snapshot_->destination_sets;
  sets_.resize(sources.size());
  for (std::size_t id = 0; id < sources.size(); ++id) {
    if (!sources[id]) continue;
    const bool known = previous != nullptr && id < previous->sets_.size() && previous->sets_[id];
    const std::shared_ptr<Set> old = known ? previous->sets_[id] : nullptr;
    if (old && old->source == sources[id]) {
      sets_[id] = old;
    } else {
      // A key keeps its id as long as it is in use.
      const bool same_key = old && old->source->key == sources[id]->key;
      sets_[id] = make_set(context, sources[id], same_key ? old.get() : nullptr);
    }
  }
}

std::shared_ptr<Generation::Set> Generation::make_set(Context& context,
                                                      const snapshot::DestinationSetPtr& source,
                                                      const Set* old) {
  auto set = std::make_shared<Set>();
  set->source = source;
  for (const snapshot::Share& share : source->shares)
    set->weights.push_back(share.effective_weight);
  const bool same_weights = old != nullptr && old->weights == set->weights;
  set->pick = same_weights ? old->pick : balance::WeightedPick(set->weights);
  for (std::size_t i = 0; i < source->shares.size(); ++i) {
    Target& target = set->targets.emplace_back();
    target.share = &source->shares[i];
    target.report = &context.report.clusters[target.share->cluster];
    const auto& endpoints = target.share->endpoints;
    // Equal keys mean the same shares in the same order.
    const bool same = old != nullptr && old->targets[i].share->endpoints == endpoints;
    target.endpoints =
        same ? old->targets[i].endpoints : balance::EndpointPick(endpoints, context.options.index);
    target.pools.reserve(endpoints.size());
    for (const model::Endpoint& endpoint : endpoints) {
      target.pools.push_back(context.pools.get(endpoint.address));
    }
  }
  return set;
}

Target* Generation::pick(std::uint32_t index) {
  Set& set = *sets_[index];
  const auto choice = set.pick.pick();
  return choice ? &set.targets[*choice] : nullptr;
}

}  // namespace sluice::proxy
