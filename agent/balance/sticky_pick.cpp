// SPDX-License-Identifier: Apache-2.0
#include "agent/balance/sticky_pick.hpp"

#include <algorithm>
#include <limits>

#include "agent/balance/hash.hpp"

namespace sluice::balance {

StickyPick::StickyPick(std::span<const std::uint64_t> weights) {
  // A sum beyond 64 bits would wrap: each weight gives up what makes its part of the range fit.
  const std::uint64_t most =
      std::numeric_limits<std::uint64_t>::max() / std::max<std::size_t>(1, weights.size());
  const std::uint64_t largest = weights.empty() ? 0 : std::ranges::max(weights);
  const std::uint64_t divisor = largest > most ? largest / most + 1 : 1;
  std::uint64_t end = 0;
  ends_.reserve(weights.size());
  for (const std::uint64_t weight : weights) ends_.push_back(end += weight / divisor);
}

std::optional<std::size_t> StickyPick::pick(std::uint64_t hash) const {
  if (ends_.empty() || ends_.back() == 0) return std::nullopt;
  const std::uint64_t point = scale_to(remix(hash), ends_.back());
  // The first end beyond the point; a choice of weight 0 ends where it begins and is passed over.
  return static_cast<std::size_t>(std::ranges::upper_bound(ends_, point) - ends_.begin());
}

}  // namespace sluice::balance
