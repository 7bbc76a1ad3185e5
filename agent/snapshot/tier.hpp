// SPDX-License-Identifier: Apache-2.0
// Tier: whether the kernel may carry a listener's connections, and the one thing that forbids it.
// Used by build(). Pure. Thread: any.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "agent/snapshot/snapshot.hpp"

namespace sluice::snapshot {

// Fills tier, tier_reason, tier_code, tier_origin, steer_set, steer_after, add_forwarded_headers and path_normalization
// from the rest of the listener. A connection may only be steered when nothing that is configured could
// act differently on its next request.
void choose_tier(Listener& listener, const std::vector<DestinationSetPtr>& sets,
                 const std::map<std::string, model::ClusterPtr>& clusters,
                 const BuildOptions& options);

}  // namespace sluice::snapshot
