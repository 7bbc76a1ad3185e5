// SPDX-License-Identifier: Apache-2.0
// FirstByteMap: lb_first_bytes as the agent wants it: which clusters lb_tc times, and what it has counted. Owned by
// Datapath. Thread: main.
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <span>

#include "bpf/abi/first_byte.h"
#include "bpf/abi/slot.h"

namespace sluice::datapath {

// Makes an entry for each cluster (by lb_slot::cluster) and removes those of others that no slot names any more. Says
// how many of `wanted` had no room.
std::size_t sync_first_bytes(int map, const std::set<std::uint64_t>& wanted,
                             std::span<lb_slot> slots);
// All CPUs together, by cluster.
[[nodiscard]] std::map<std::uint64_t, lb_first_byte> read_first_bytes(int map);

}  // namespace sluice::datapath
