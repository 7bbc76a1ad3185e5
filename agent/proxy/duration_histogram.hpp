// SPDX-License-Identifier: Apache-2.0
// DurationHistogram: how long requests took, in fixed buckets, as plain counters that can be added up.
// Callers: Stream (observes), metrics (adds, reads). Thread: one a copy.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "agent/base/clock.hpp"

namespace sluice::proxy {

class DurationHistogram {
 public:
  // Upper bounds, in ms: from a kernel's hop to what a person no longer waits for. docs/operations.md names them.
  static constexpr std::array<double, 16> kBoundsMs = {
      0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000};

  void observe(Nanoseconds duration) {
    const double ms = std::max(0.0, std::chrono::duration<double, std::milli>(duration).count());
    const auto bucket = std::lower_bound(kBoundsMs.begin(), kBoundsMs.end(), ms);
    ++counts_[static_cast<std::size_t>(bucket - kBoundsMs.begin())];
    sum_ms_ += ms;
  }
  void add(const DurationHistogram& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    sum_ms_ += other.sum_ms_;
  }

  // Counted by somebody else, in the same buckets.
  template <typename Count>
  void add(const Count (&counts)[kBoundsMs.size() + 1], double sum_ms) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += counts[i];
    sum_ms_ += sum_ms;
  }

  // By bucket, not cumulated; the last one is beyond every bound.
  [[nodiscard]] const std::array<std::uint64_t, kBoundsMs.size() + 1>& counts() const {
    return counts_;
  }
  [[nodiscard]] std::uint64_t count() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t n : counts_) sum += n;
    return sum;
  }
  [[nodiscard]] double sum_ms() const { return sum_ms_; }

 private:
  std::array<std::uint64_t, kBoundsMs.size() + 1> counts_{};
  double sum_ms_ = 0;
};

}  // namespace sluice::proxy
