// SPDX-License-Identifier: Apache-2.0
// priority_loads: how much of the traffic each priority group gets. A group whose endpoints are mostly well takes
// everything; as it loses endpoints, what it cannot carry spills over to the next. Pure. Thread: any.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sluice::balance {

struct GroupHealth {
  std::size_t endpoints = 0;
  std::size_t healthy = 0;
};

struct GroupLoad {
  std::uint32_t percent = 0;  // of all traffic; they sum to 100
  bool panic = false;         // too few are healthy: use all of its endpoints
  bool operator==(const GroupLoad&) const = default;
};

// A group counts as able to take 1.4 times its healthy share of everything (the overprovisioning that Istio's data
// plane uses): with 72 % of it healthy it is still not relieved. When all groups together cannot take everything, each
// gets in proportion to what it can, and a group with less than `min_health_percent` healthy uses all its endpoints
// (0 = never). When nothing is healthy the groups share by their sizes.
[[nodiscard]] std::vector<GroupLoad> priority_loads(std::span<const GroupHealth> groups,
                                                    std::uint32_t min_health_percent);

}  // namespace sluice::balance
