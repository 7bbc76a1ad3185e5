// SPDX-License-Identifier: Apache-2.0
// DestinationSets: makes the snapshot's destination sets, equal ones once, resolves their shares
// and records the conditions that follow. A set of the previous generation keeps its id, and is the
// same object unless one of its clusters changed. Used by build(). Thread: any (owned by one build).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "agent/snapshot/hash_tables.hpp"
#include "agent/snapshot/resolve.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::snapshot {

class DestinationSets {
 public:
  // Clusters by key that are not the same as in `previous`, or may resolve to something else.
  using Changed = std::unordered_set<std::string_view>;

  // All must outlive this object; `previous` may be null.
  DestinationSets(const model::World& world, Resolver& resolver, const Snapshot* previous,
                  const Changed& changed);

  // Id of the set a route leads to. Fails when a destination names a cluster the world lacks.
  Result<std::uint32_t> intern(const model::Route& route);
  Result<std::uint32_t> intern(const model::TcpRoute& route);
  // A route that is the same object as in the previous generation leads to set `id` still.
  Result<std::uint32_t> keep(std::uint32_t id, const model::Route& route);

  // By id; null where none is used.
  [[nodiscard]] std::vector<DestinationSetPtr> take_sets();

 private:
  struct Slot {
    DestinationSetPtr set;  // of this generation, or of the previous one when not yet used
    bool stale = false;     // of the previous one, and a cluster of it changed
    bool used = false;
  };
  Result<std::uint32_t> intern(const std::vector<model::WeightedDestination>& destinations,
                               const std::string& route);
  [[nodiscard]] Result<void> check(const DestinationSet& set, const std::string& route) const;
  [[nodiscard]] std::uint32_t id_of(const std::string& key);
  void resolve_shares(DestinationSet& set);
  void record(DestinationSet& set, const Share& share, bool set_has_endpoint);

  const model::World& world_;
  Resolver& resolver_;
  HashTableCache tables_;
  std::vector<Slot> slots_;
  std::unordered_map<std::string, std::uint32_t> by_key_;  // filled on first use
  std::size_t next_free_ = 0;                              // no free id is below
  std::size_t indexed_ = 0;                                // slots that by_key_ knows
};

// All conditions of the sets, each (type, cluster) once, sorted by it.
[[nodiscard]] std::vector<Condition> conditions_of(const std::vector<DestinationSetPtr>& sets);

}  // namespace sluice::snapshot
