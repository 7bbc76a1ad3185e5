// SPDX-License-Identifier: Apache-2.0
// Resolver: which endpoints a cluster sends to: its ready ones, or those it is kept with when a
// changed selector has none. Used by build(), which asks only for the clusters that changed. Thread: any.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/balance/locality.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::snapshot {

struct Resolved {
  ShareState state = ShareState::kEmpty;  // kReady, kKept or kEmpty
  model::EndpointList endpoints;          // empty with kEmpty
  model::EndpointList draining;           // terminating but serving; only with kEmpty
};

// A cluster without a ready endpoint is kept when its selector differs from the previous
// generation's (or it was kept there already), for as long as some endpoint it was served by is
// ready in some cluster of the new world.
class Resolver {
 public:
  // Both must outlive this object; `previous` may be null.
  Resolver(const model::World& world, const Snapshot* previous)
      : world_(world), previous_(previous), own_{world.place.locality, world.place.labels} {}

  // The world has the cluster. The reference stays valid.
  [[nodiscard]] const Resolved& of(const std::string& key);
  // The clusters asked for that are kept, with what they are kept with.
  [[nodiscard]] std::map<std::string, model::EndpointList> kept() const;

 private:
  // Which endpoints, with their priorities and weights as seen from where this agent runs.
  [[nodiscard]] Resolved resolve(const model::ClusterPtr& cluster);
  // The ready ones of the new world by which the cluster was served before, if that may be carried on.
  [[nodiscard]] std::vector<model::Endpoint> still_ready(const model::Cluster& cluster);
  // A ready endpoint of any cluster at that address, or null.
  [[nodiscard]] const model::Endpoint* find_ready(const SocketAddress& address);

  using ReadyIndex = std::unordered_map<SocketAddress, const model::Endpoint*, SocketAddressHash>;

  const model::World& world_;
  const Snapshot* previous_;
  const balance::OwnPlace own_;
  std::unordered_map<std::string, Resolved> done_;
  std::optional<ReadyIndex> ready_;  // made on first use, which is rare
};

}  // namespace sluice::snapshot
