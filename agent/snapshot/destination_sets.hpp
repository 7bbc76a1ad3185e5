// SPDX-License-Identifier: Apache-2.0
// DestinationSets: makes the snapshot's destination sets, equal ones once, resolves their shares
// and records the conditions that follow. Used by build(). Thread: any (owned by one build).
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/snapshot/resolve.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::snapshot {

class DestinationSets {
 public:
  // Both must outlive this object.
  DestinationSets(const model::World& world, const std::map<std::string, Resolved>& resolved)
      : world_(world), resolved_(resolved) {}

  // Index of the set a route leads to. Fails when a destination names a cluster the world lacks.
  Result<std::uint32_t> intern(const model::Route& route);
  Result<std::uint32_t> intern(const model::TcpRoute& route);

  [[nodiscard]] std::vector<DestinationSetPtr> take_sets() { return std::move(sets_); }
  [[nodiscard]] std::vector<Condition> take_conditions();

 private:
  Result<std::uint32_t> intern(const std::vector<model::WeightedDestination>& destinations,
                               const std::string& route);
  void resolve_shares(DestinationSet& set);
  void record(const DestinationSet& set, const Share& share, bool set_has_endpoint);

  const model::World& world_;
  const std::map<std::string, Resolved>& resolved_;
  std::vector<DestinationSetPtr> sets_;
  std::map<std::string, std::uint32_t> by_key_;
  std::map<std::pair<std::string, std::string>, Condition> conditions_;  // by (type, cluster)
};

}  // namespace sluice::snapshot
