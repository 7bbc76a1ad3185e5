// SPDX-License-Identifier: Apache-2.0
// HashTable: which endpoint a key leads to, as a hash ring or a Maglev table. HashTables: one a priority group.
// Made once for each change of a cluster's endpoints (main), then shared by all workers: immutable.
// Thread: any (const). Invariants: depends only on addresses, weights, priorities and the policy, so that all agents
// agree; an endpoint that cannot be used passes its keys on to others, and no other key moves.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "agent/model/endpoint.hpp"
#include "agent/model/traffic_policy.hpp"

namespace sluice::balance {

// Bounds of memory: at most 12 MiB a ring and 20 MiB a Maglev table, whatever the configuration asks for.
inline constexpr std::uint64_t kMaxRingSize = 1U << 20U;
inline constexpr std::uint64_t kMaxMaglevSize = 5'000'011;

class HashTable {
 public:
  // A slot of the table. Slots are followed by others in the order in which a key should try them.
  [[nodiscard]] std::size_t slot_of(std::uint64_t hash) const;
  [[nodiscard]] std::uint32_t at(std::size_t slot) const { return owners_[slot]; }
  [[nodiscard]] std::size_t size() const { return owners_.size(); }

  // The first endpoint on the key's way for which `usable(index)`; nullopt when none is.
  template <typename Usable>
  [[nodiscard]] std::optional<std::size_t> find(std::uint64_t hash, Usable usable) const;

 private:
  friend class HashTables;
  void build_ring(std::span<const model::Endpoint> endpoints,
                  const std::vector<std::uint32_t>& members, std::uint64_t minimum);
  void build_maglev(std::span<const model::Endpoint> endpoints,
                    const std::vector<std::uint32_t>& members, std::uint64_t asked);

  std::vector<std::uint64_t> points_;  // of a ring, sorted; empty: Maglev
  std::vector<std::uint32_t> owners_;  // indexes into the endpoints
};

class HashTables {
 public:
  // Endpoints of weight 0 are left out unless all of their group have it.
  HashTables(std::span<const model::Endpoint> endpoints, const model::ConsistentHash& policy);

  // Of the n-th lowest priority that occurs.
  [[nodiscard]] const HashTable& group(std::size_t n) const { return groups_[n]; }
  [[nodiscard]] std::size_t groups() const { return groups_.size(); }

 private:
  std::vector<HashTable> groups_;
};
using HashTablesPtr = std::shared_ptr<const HashTables>;

// Indexes of the endpoints by priority, lowest first; each group in the order of the endpoints.
[[nodiscard]] std::vector<std::vector<std::uint32_t>> priority_groups(
    std::span<const model::Endpoint> endpoints);

template <typename Usable>
std::optional<std::size_t> HashTable::find(std::uint64_t hash, Usable usable) const {
  if (owners_.empty()) return std::nullopt;
  const std::size_t first = slot_of(hash);
  // Neighbouring slots belong to different endpoints at random: what one endpoint passes on is spread over the rest.
  for (std::size_t i = 0, slot = first; i < owners_.size(); ++i) {
    if (usable(owners_[slot])) return owners_[slot];
    slot = slot + 1 == owners_.size() ? 0 : slot + 1;
  }
  return std::nullopt;
}

}  // namespace sluice::balance
