// SPDX-License-Identifier: Apache-2.0
// ActionShares: how far each route's faults and mirrors are in their shares. Kept by the worker beside the generations,
// so that a change elsewhere does not start the count anew.
// Callers: Filters, Context. Thread: worker. Invariants: bounded: when there are far more counters than a configuration
// uses they are all forgotten, which costs each share less than one request.
#pragma once
#include <cstdint>
#include <unordered_map>

#include "agent/routing/action/share_counter.hpp"

namespace sluice::proxy {

class ActionShares {
 public:
  // Mirrors count from kMirror up, one for each of the route's.
  enum Kind : std::uint64_t { kDelay = 1, kAbort = 2, kMirror = 3 };

  // `action` is Actions::id.
  [[nodiscard]] routing::ShareCounter& of(std::uint64_t action, std::uint64_t kind) {
    if (counters_.size() >= kMost) counters_.clear();
    return counters_[action + kind];
  }

 private:
  static constexpr std::size_t kMost = 1 << 16;
  std::unordered_map<std::uint64_t, routing::ShareCounter> counters_;
};

}  // namespace sluice::proxy
