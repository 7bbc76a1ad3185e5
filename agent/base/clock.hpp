// SPDX-License-Identifier: Apache-2.0
// Clock: the seam through which all code reads time, so that tests can move it by hand. Thread: any.
#pragma once
#include <chrono>

namespace sluice {

using Nanoseconds = std::chrono::nanoseconds;
using Milliseconds = std::chrono::milliseconds;
// CLOCK_MONOTONIC, as bpf_ktime_get_ns() reads it.
using TimePoint = std::chrono::steady_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint now() const = 0;
};

class SteadyClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return std::chrono::steady_clock::now(); }
};

class ManualClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return now_; }
  void advance(Nanoseconds by) { now_ += by; }

 private:
  TimePoint now_{std::chrono::seconds(1)};
};

}  // namespace sluice
