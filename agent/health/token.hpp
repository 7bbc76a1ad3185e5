// SPDX-License-Identifier: Apache-2.0
// Token: one unit of something that is counted for the whole agent, given back when the token goes.
// Thread: take and give back on any; one token belongs to one thread at a time. Invariants: the counter outlives it; a
// counter never stays above a limit that all its takers pass.
#pragma once
#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

namespace sluice::health {

using Counter = std::atomic<std::uint32_t>;

class Token {
 public:
  Token() = default;
  Token(Token&& other) noexcept : counter_(std::exchange(other.counter_, nullptr)) {}
  Token& operator=(Token&& other) noexcept {
    if (this != &other) {
      release();
      counter_ = std::exchange(other.counter_, nullptr);
    }
    return *this;
  }
  ~Token() { release(); }

  // An empty token when `limit` are taken. Unset: there is no limit.
  [[nodiscard]] static Token take(Counter& counter, std::optional<std::uint32_t> limit) {
    if (counter.fetch_add(1, std::memory_order_relaxed) >= limit.value_or(UINT32_MAX)) {
      counter.fetch_sub(1, std::memory_order_relaxed);
      return {};
    }
    return Token(counter);
  }
  [[nodiscard]] static Token take(Counter& counter) {
    counter.fetch_add(1, std::memory_order_relaxed);
    return Token(counter);
  }

  explicit operator bool() const { return counter_ != nullptr; }
  void release() {
    if (counter_ != nullptr) counter_->fetch_sub(1, std::memory_order_relaxed);
    counter_ = nullptr;
  }

 private:
  explicit Token(Counter& counter) : counter_(&counter) {}

  Counter* counter_ = nullptr;
};

}  // namespace sluice::health
