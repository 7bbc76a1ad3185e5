// SPDX-License-Identifier: Apache-2.0
// TimerWheel: intrusive timers hashed by millisecond: arming and cancelling cost O(1) and allocate
// nothing. Callers: Reactor. Thread: the reactor's. Invariants: a node is in at most one list; a
// node that is unlinked while its wheel fires is not called.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

namespace sluice::net {

// A link of a circular list; a node that is linked to itself is in no list.
struct TimerNode {
  TimerNode* next = this;
  TimerNode* previous = this;
  std::uint64_t deadline = 0;  // tick

  TimerNode() = default;
  TimerNode(const TimerNode&) = delete;
  TimerNode& operator=(const TimerNode&) = delete;
  [[nodiscard]] bool linked() const { return next != this; }
  void unlink();
  void insert_before(TimerNode& position);
};

class TimerWheel {
 public:
  // Ticks are milliseconds of the caller's clock. `now` only sets where the wheel starts.
  explicit TimerWheel(std::uint64_t now) : current_(now) {}

  void arm(TimerNode& node, std::uint64_t deadline);  // node must be unlinked
  // Moves every node that is due at `now` to `due`, earliest slot first.
  void advance(std::uint64_t now, TimerNode& due);
  // Ticks until some node may be due: never later than the first deadline, at most kSlots. nullopt:
  // none is armed.
  [[nodiscard]] std::optional<std::uint64_t> next_delay(std::uint64_t now) const;

 private:
  static constexpr std::size_t kSlots =
      4096;  // 4 s a turn: longer timers are looked at once a turn
  static constexpr std::size_t kWords = kSlots / 64;

  void collect(std::size_t slot, std::uint64_t now, TimerNode& due);

  std::array<TimerNode, kSlots> slots_;
  std::array<std::uint64_t, kWords>
      used_{};             // a bit per slot; may say 1 for a slot that has become empty
  std::uint64_t current_;  // every node with deadline <= current_ has fired
};

}  // namespace sluice::net
