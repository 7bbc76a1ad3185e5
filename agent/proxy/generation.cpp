// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/generation.hpp"

#include "agent/proxy/context.hpp"

namespace sluice::proxy {

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
  std::vector<std::uint64_t> weights;
  for (const snapshot::Share& share : source->shares) weights.push_back(share.effective_weight);
  if (old != nullptr && old->turns.weights == weights) {
    set->turns = old->turns;
  } else {
    set->turns.pick = balance::WeightedPick(weights);
    set->turns.weights = std::move(weights);
  }
  for (const snapshot::Share& share : source->shares) {
    Target& target = set->targets.emplace_back();
    target.share = &share;
    target.use = context.cluster_uses.get(share);
    target.report = &target.use->report();
    const auto& hash = target.use->policy().load_balancer.hash;
    if (hash && set->sticky_key == nullptr) set->sticky_key = &hash->key;
  }
  if (set->sticky_key != nullptr) set->sticky = balance::StickyPick(set->turns.weights);
  return set;
}

Target* Generation::pick(std::uint32_t index, std::optional<std::uint64_t> hash) {
  Set& set = *sets_[index];
  if (hash && set.sticky_key != nullptr) {
    const auto choice = set.sticky.pick(*hash);
    return choice ? &set.targets[*choice] : nullptr;
  }
  const auto choice = set.turns.pick.pick();
  if (!choice) return nullptr;
  ++set.turns.picked;
  return &set.targets[*choice];
}

}  // namespace sluice::proxy
