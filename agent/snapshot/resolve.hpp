// SPDX-License-Identifier: Apache-2.0
// Resolve: which endpoints each cluster sends to: its ready ones, or those it is kept with when a
// changed selector has none. Used by build(). Pure. Thread: any.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "agent/snapshot/snapshot.hpp"

namespace sluice::snapshot {

struct Resolved {
  ShareState state = ShareState::kEmpty;   // kReady, kKept or kEmpty
  std::vector<model::Endpoint> endpoints;  // empty with kEmpty
  std::vector<model::Endpoint> draining;   // terminating but serving; only with kEmpty
};

// One entry a cluster of the world. A cluster without a ready endpoint is kept when its selector
// differs from the previous generation's (or it was kept there already), for as long as some
// endpoint it was served by is ready in some cluster of the new world.
[[nodiscard]] std::map<std::string, Resolved> resolve(const model::World& world,
                                                      const Snapshot* previous);

}  // namespace sluice::snapshot
