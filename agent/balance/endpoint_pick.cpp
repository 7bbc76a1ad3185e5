// SPDX-License-Identifier: Apache-2.0
#include "agent/balance/endpoint_pick.hpp"

#include <algorithm>
#include <vector>

namespace sluice::balance {

EndpointPick::EndpointPick(std::span<const model::Endpoint> endpoints, std::size_t start)
    : count_(endpoints.size()) {
  if (count_ == 0) return;
  next_ = turn_ = start % count_;
  const std::uint32_t first = endpoints.front().weight;
  if (std::ranges::all_of(endpoints, [&](const auto& e) { return e.weight == first; })) return;
  std::vector<std::uint64_t> weights;
  weights.reserve(count_);
  for (std::size_t i = 0; i < count_; ++i) {
    weights.push_back(endpoints[(turn_ + i) % count_].weight);
  }
  weighted_.emplace(weights);
}

std::optional<std::size_t> EndpointPick::pick() {
  if (count_ == 0) return std::nullopt;
  if (weighted_) {
    const auto index = weighted_->pick();
    return index ? std::optional((turn_ + *index) % count_) : std::nullopt;
  }
  const std::size_t index = next_;
  next_ = next_ + 1 == count_ ? 0 : next_ + 1;
  return index;
}

}  // namespace sluice::balance
