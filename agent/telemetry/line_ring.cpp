// SPDX-License-Identifier: Apache-2.0
#include "agent/telemetry/line_ring.hpp"

#include <algorithm>
#include <cstring>

#include "agent/base/assert.hpp"

namespace sluice::telemetry {

LineRing::LineRing(std::size_t bytes)
    : mask_(bytes - 1), data_(std::make_unique_for_overwrite<char[]>(bytes)) {
  LB_ASSERT((bytes & mask_) == 0);
}

bool LineRing::push(std::string_view line, std::size_t& used) {
  const std::size_t head = head_.load(std::memory_order_relaxed);
  const std::size_t waiting = head - tail_.load(std::memory_order_acquire);
  if (line.size() > capacity() - waiting) return false;
  const std::size_t at = head & mask_;
  const std::size_t first = std::min(line.size(), capacity() - at);
  std::memcpy(data_.get() + at, line.data(), first);
  std::memcpy(data_.get(), line.data() + first, line.size() - first);
  head_.store(head + line.size(), std::memory_order_release);
  used = waiting + line.size();
  return true;
}

std::array<iovec, 2> LineRing::readable() const {
  const std::size_t tail = tail_.load(std::memory_order_relaxed);
  const std::size_t size = head_.load(std::memory_order_acquire) - tail;
  const std::size_t at = tail & mask_;
  const std::size_t first = std::min(size, capacity() - at);
  return {iovec{data_.get() + at, first}, iovec{data_.get(), size - first}};
}

void LineRing::pop(std::size_t bytes) {
  tail_.store(tail_.load(std::memory_order_relaxed) + bytes, std::memory_order_release);
}

}  // namespace sluice::telemetry
