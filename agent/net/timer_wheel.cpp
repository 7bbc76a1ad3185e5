// SPDX-License-Identifier: Apache-2.0
#include "agent/net/timer_wheel.hpp"

#include <algorithm>
#include <bit>

namespace sluice::net {

void TimerNode::unlink() {
  previous->next = next;
  next->previous = previous;
  next = previous = this;
}

void TimerNode::insert_before(TimerNode& position) {
  next = &position;
  previous = position.previous;
  previous->next = this;
  position.previous = this;
}

void TimerWheel::arm(TimerNode& node, std::uint64_t deadline) {
  // A deadline that has passed fires on the next tick: its own slot would not be visited for a
  // whole turn.
  node.deadline = std::max(deadline, current_ + 1);
  const std::size_t slot = node.deadline % kSlots;
  node.insert_before(slots_[slot]);
  used_[slot / 64] |= std::uint64_t{1} << (slot % 64);
}

void TimerWheel::collect(std::size_t slot, std::uint64_t now, TimerNode& due) {
  const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
  if ((used_[slot / 64] & bit) == 0) return;
  TimerNode& head = slots_[slot];
  for (TimerNode* node = head.next; node != &head;) {
    TimerNode* const next = node->next;
    if (node->deadline <= now) {
      node->unlink();
      node->insert_before(due);
    }
    node = next;
  }
  if (!head.linked()) used_[slot / 64] &= ~bit;
}

void TimerWheel::advance(std::uint64_t now, TimerNode& due) {
  if (now <= current_) return;
  const std::uint64_t steps = std::min<std::uint64_t>(now - current_, kSlots);
  for (std::uint64_t i = 1; i <= steps; ++i) collect((current_ + i) % kSlots, now, due);
  current_ = now;
}

std::optional<std::uint64_t> TimerWheel::next_delay(std::uint64_t now) const {
  const std::size_t start = (current_ + 1) % kSlots;
  // One word more than the wheel has: the first one is looked at in two parts.
  for (std::size_t i = 0; i <= kWords; ++i) {
    const std::size_t word = (start / 64 + i) % kWords;
    std::uint64_t bits = used_[word];
    const std::uint64_t before_start = (std::uint64_t{1} << (start % 64)) - 1;
    if (i == 0) bits &= ~before_start;
    if (i == kWords) bits &= before_start;
    if (bits == 0) continue;
    const std::size_t slot = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
    const std::uint64_t tick = current_ + 1 + (slot + kSlots - start) % kSlots;
    return tick > now ? tick - now : 0;
  }
  return std::nullopt;
}

}  // namespace sluice::net
