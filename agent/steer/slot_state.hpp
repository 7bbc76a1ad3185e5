// SPDX-License-Identifier: Apache-2.0
// The one place where the agent reads and changes lb_slot::state and the flag bytes that lb_tc
// writes meanwhile. Thread: any (lock-free, shared with the kernel).
#pragma once
#include <atomic>
#include <cstdint>

#include "bpf/abi/slot.h"

namespace sluice::steer {

[[nodiscard]] inline lb_slot_state state_of(lb_slot& slot) {
  return static_cast<lb_slot_state>(
      std::atomic_ref<std::uint32_t>(slot.state).load(std::memory_order_seq_cst));
}
inline void set_state(lb_slot& slot, lb_slot_state state) {
  std::atomic_ref<std::uint32_t>(slot.state).store(state, std::memory_order_seq_cst);
}
[[nodiscard]] inline bool change_state(lb_slot& slot, lb_slot_state from, lb_slot_state to) {
  std::uint32_t expected = from;
  return std::atomic_ref<std::uint32_t>(slot.state)
      .compare_exchange_strong(expected, to, std::memory_order_seq_cst);
}
[[nodiscard]] inline bool is_steered(lb_slot_state state) {
  return state == LB_SLOT_NORMAL || state == LB_SLOT_ARMED || state == LB_SLOT_HELD;
}
// A byte or word that lb_tc may write at any moment.
template <typename T>
[[nodiscard]] T read_shared(T& value) {
  return std::atomic_ref<T>(value).load(std::memory_order_acquire);
}
// The same in one order with all changes of state, for whoever has set HELD and reads what lb_tc wrote before that.
template <typename T>
[[nodiscard]] T read_ordered(T& value) {
  return std::atomic_ref<T>(value).load(std::memory_order_seq_cst);
}
template <typename T>
void write_shared(T& value, T next) {
  std::atomic_ref<T>(value).store(next, std::memory_order_release);
}
// Both FINs acknowledged, or a valid RST with nothing new behind it.
[[nodiscard]] inline bool is_over(lb_slot& slot) {
  return read_shared(slot.reset) != 0 || (read_shared(slot.fin_acked[LB_TO_POD]) != 0 &&
                                          read_shared(slot.fin_acked[LB_TO_CLIENT]) != 0);
}

}  // namespace sluice::steer
