// SPDX-License-Identifier: Apache-2.0
// ListenerMap: lb_listeners as the agent wants it. Owned by Datapath. Thread: main.
#pragma once
#include <cstddef>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/datapath/datapath.hpp"

namespace sluice::datapath {

// Makes the map equal to `wanted`: additions and changes first, then removals. An error leaves what
// was reached.
Result<void> sync_listener_map(int map, const std::vector<ListenerEntry>& wanted);
[[nodiscard]] std::size_t count_listeners(int map);

}  // namespace sluice::datapath
