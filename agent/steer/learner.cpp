// SPDX-License-Identifier: Apache-2.0
#include "agent/steer/learner.hpp"

#include <algorithm>

namespace sluice::steer {

void Learner::connection_finished(std::uint64_t requests) {
  if (requests == 0) return;
  ++ended_after_[std::min<std::uint64_t>(requests, kLongest)];
  ++samples_;
  if (--until_refresh_ > 0) return;
  refresh();
  until_refresh_ = kRefresh;
  if (samples_ < kForget) return;
  samples_ = 0;
  for (std::uint32_t& count : ended_after_) samples_ += count /= 2;
}

void Learner::refresh() {
  // From the longest down: how many connections reached request n, and how many requests they still
  // had to come.
  std::uint64_t reached = 0;
  std::uint64_t remaining = 0;  // request n itself included
  threshold_ = kLatest;
  for (std::uint32_t n = kLongest; n >= 1; --n) {
    reached += ended_after_[n];
    remaining += reached;
    if (n > kLatest || reached == 0) continue;
    if (remaining >= reached * kBreakEven) threshold_ = n;
  }
}

}  // namespace sluice::steer
