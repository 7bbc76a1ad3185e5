// SPDX-License-Identifier: Apache-2.0
// EndpointState, ClusterChanges: how an endpoint is now, as all pickers see it. Filled by health
// and by the proxy, read at each pick. Thread: any; plain atomics, relaxed: a picker may see a change a moment late.
#pragma once
#include <atomic>
#include <cstdint>

#include "agent/base/clock.hpp"

namespace sluice::balance {

// Whoever keeps many keeps them at least a cache line apart: workers on different cores count requests to different
// endpoints without disturbing each other. The fields share a line because whoever reads one reads the others.
struct EndpointState {
  std::atomic<std::uint32_t> in_flight{0};  // requests
  std::atomic<bool> ejected{false};
  // Since when it serves, on CLOCK_MONOTONIC; warmup counts from here. 0 = for long.
  std::atomic<std::int64_t> serving_since_ns{0};

  [[nodiscard]] TimePoint serving_since() const {
    return TimePoint(Nanoseconds(serving_since_ns.load(std::memory_order_relaxed)));
  }
};

// Of one cluster. Raised after a flag `ejected` of one of its endpoints changed, so that pickers look at the flags only
// then.
struct ClusterChanges {
  std::atomic<std::uint32_t> count{0};
};

}  // namespace sluice::balance
