// SPDX-License-Identifier: Apache-2.0
// HashTableCache: the tables of clusters with consistentHash, made once for each combination of endpoints and policy
// and taken over from the previous generation: a large Maglev table takes milliseconds. Used by DestinationSets.
// Thread: any (owned by one build).
#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/balance/hash_table.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::snapshot {

class HashTableCache {
 public:
  // `previous` may be null; it must outlive this object.
  explicit HashTableCache(const Snapshot* previous) : previous_(previous) {}

  // Null when the share's cluster has no consistentHash, or no endpoint.
  [[nodiscard]] balance::HashTablesPtr get(const Share& share);

 private:
  struct Known {
    model::EndpointList endpoints;
    model::ConsistentHash policy;
    balance::HashTablesPtr tables;
  };
  void learn(const Share& share, balance::HashTablesPtr tables);
  void learn_previous();

  const Snapshot* previous_;
  std::unordered_multimap<std::string, Known> known_;  // by cluster
};

}  // namespace sluice::snapshot
