// SPDX-License-Identifier: Apache-2.0
#include "agent/balance/endpoint_pick.hpp"

#include <algorithm>
#include <vector>

namespace sluice::balance {

namespace {

std::vector<std::uint64_t> weights_of(std::span<const model::Endpoint> endpoints) {
  std::vector<std::uint64_t> out;
  out.reserve(endpoints.size());
  for (const model::Endpoint& endpoint : endpoints) out.push_back(endpoint.weight);
  return out;
}

}  // namespace

EndpointPick::EndpointPick(std::span<const model::Endpoint> endpoints, std::size_t start)
    : EndpointPick(std::span<const std::uint64_t>(weights_of(endpoints)), start) {}

EndpointPick::EndpointPick(std::span<const std::uint64_t> weights, std::size_t start)
    : count_(weights.size()) {
  if (count_ == 0) return;
  next_ = turn_ = start % count_;
  if (std::ranges::all_of(weights, [&](auto weight) { return weight == weights.front(); })) return;
  std::vector<std::uint64_t> turned(weights.begin(), weights.end());
  std::ranges::rotate(turned, turned.begin() + static_cast<std::ptrdiff_t>(turn_));
  weighted_.emplace(turned);
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
