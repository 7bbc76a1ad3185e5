// SPDX-License-Identifier: Apache-2.0
#include "agent/balance/priority_load.hpp"

#include <algorithm>
#include <numeric>

namespace sluice::balance {
namespace {

constexpr std::uint64_t kOverprovisioning = 140;  // percent

// Shares of 100 in proportion to `parts`, largest first remainder to the earliest: they sum to 100.
std::vector<GroupLoad> in_proportion(const std::vector<std::uint64_t>& parts) {
  const std::uint64_t total = std::accumulate(parts.begin(), parts.end(), std::uint64_t{0});
  std::vector<GroupLoad> out(parts.size());
  if (total == 0) return out;
  std::uint32_t given = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    out[i].percent = static_cast<std::uint32_t>(parts[i] * 100 / total);
    given += out[i].percent;
  }
  for (std::size_t i = 0; given < 100; i = (i + 1) % parts.size()) {
    if (parts[i] == 0) continue;
    ++out[i].percent;
    ++given;
  }
  return out;
}

}  // namespace

std::vector<GroupLoad> priority_loads(std::span<const GroupHealth> groups,
                                      std::uint32_t min_health_percent) {
  std::vector<std::uint64_t> able;  // percent of all traffic
  std::uint64_t sum = 0;
  for (const GroupHealth& group : groups) {
    const std::uint64_t can =
        group.endpoints == 0
            ? 0
            : std::min<std::uint64_t>(100, kOverprovisioning * group.healthy / group.endpoints);
    able.push_back(std::min(can, 100 - std::min<std::uint64_t>(100, sum)));
    sum += can;
  }
  std::vector<GroupLoad> out;
  if (sum == 0) {
    std::vector<std::uint64_t> sizes;
    for (const GroupHealth& group : groups) sizes.push_back(group.endpoints);
    out = in_proportion(sizes);
  } else {
    out = in_proportion(able);
  }
  if (sum >= 100) return out;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    out[i].panic = groups[i].healthy * 100 < groups[i].endpoints * min_health_percent;
  }
  return out;
}

}  // namespace sluice::balance
