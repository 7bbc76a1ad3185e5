// SPDX-License-Identifier: Apache-2.0
#include "agent/snapshot/hash_tables.hpp"

#include <utility>

namespace sluice::snapshot {

balance::HashTablesPtr HashTableCache::get(const Share& share) {
  const auto& policy = share.policy->load_balancer.hash;
  if (!policy || share.endpoints.empty()) return nullptr;
  learn_previous();
  const auto [first, last] = known_.equal_range(share.cluster);
  for (auto known = first; known != last; ++known) {
    // Where the key comes from makes no difference to the tables.
    const model::ConsistentHash& other = known->second.policy;
    if (other.table == policy->table && other.minimum_ring_size == policy->minimum_ring_size &&
        other.table_size == policy->table_size && known->second.endpoints == share.endpoints) {
      return known->second.tables;
    }
  }
  auto tables = std::make_shared<const balance::HashTables>(share.endpoints.span(), *policy);
  learn(share, tables);
  return tables;
}

void HashTableCache::learn(const Share& share, balance::HashTablesPtr tables) {
  known_.emplace(share.cluster,
                 Known{share.endpoints, *share.policy->load_balancer.hash, std::move(tables)});
}

void HashTableCache::learn_previous() {
  const Snapshot* const previous = std::exchange(previous_, nullptr);
  if (previous == nullptr) return;
  for (const DestinationSetPtr& set : previous->destination_sets) {
    if (!set) continue;
    for (const Share& share : set->shares) {
      if (share.tables) learn(share, share.tables);
    }
  }
}

}  // namespace sluice::snapshot
