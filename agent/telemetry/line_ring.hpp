// SPDX-License-Identifier: Apache-2.0
// LineRing: whole lines on their way from one thread to another, in a fixed piece of memory. Neither side ever waits: a
// line that does not fit is the producer's to count. Thread: push on one thread, readable and pop on one other.
// Invariants: what readable() returns begins and ends with a whole line.
#pragma once
#include <sys/uio.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <string_view>

namespace sluice::telemetry {

class LineRing {
 public:
  // `bytes` is a power of two.
  explicit LineRing(std::size_t bytes);

  // False: no room. Otherwise `used` is what waits now, in bytes.
  [[nodiscard]] bool push(std::string_view line, std::size_t& used);

  // All that waits, in one or two pieces; the second is empty where one will do.
  [[nodiscard]] std::array<iovec, 2> readable() const;
  void pop(std::size_t bytes);

  [[nodiscard]] std::size_t capacity() const { return mask_ + 1; }

 private:
  std::size_t mask_;
  std::unique_ptr<char[]> data_;
  std::atomic<std::size_t> head_{0};  // bytes ever pushed
  // Each is written by a thread of its own: not in one cache line. Not alignas, which rings on a stack may not get from
  // a sanitizer.
  [[maybe_unused]] std::array<char, 64> apart_{};
  std::atomic<std::size_t> tail_{0};  // bytes ever popped
};

}  // namespace sluice::telemetry
