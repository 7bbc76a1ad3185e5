// SPDX-License-Identifier: Apache-2.0
// SlotStep: one world of the SlotModel and what becomes of it: each step copies it, changes the copy and tells.
// Callers: the steps of packets and of the agent. Thread: any.
#pragma once
#include "tests/model/slot_model.hpp"

namespace sluice::model_check {

[[nodiscard]] inline bool is_translated(std::uint8_t state) {
  return state == LB_SLOT_NORMAL || state == LB_SLOT_ARMED;
}
[[nodiscard]] inline bool is_steered(std::uint8_t state) {
  return is_translated(state) || state == LB_SLOT_HELD;
}
[[nodiscard]] inline std::uint8_t byte(int value) { return static_cast<std::uint8_t>(value); }

class SlotStep {
 public:
  SlotStep(const World& from, const Rules& rules, const Next& next)
      : from_(from), rules_(rules), next_(next) {}

 protected:
  template <typename Change>
  void tell(const char* what, Change change) {
    World world = from_;
    const char* const fault = change(world);
    // What is not read again must not make two worlds of one.
    if (world.agent != Agent::kRead && world.agent != Agent::kRestore) {
      world.read_end = world.read_ack = {};
      world.read_last = world.read_reset = 0;
    }
    if (world.agent == Agent::kCarried || world.agent > Agent::kInject) world.idle = 0;
    if (world.agent > Agent::kInject && world.agent < Agent::kDone) world.turn = 0;
    if (world.turn == 0) world.turn_ack = 0;
    if (world.state != LB_SLOT_HELD) world.copied = 0;
    next_(world, what, fault);
  }
  // Of a step that cannot go wrong.
  template <typename Change>
  void go(const char* what, Change change) {
    tell(what, [&](World& world) -> const char* {
      change(world);
      return nullptr;
    });
  }

  const World& from_;
  const Rules& rules_;
  const Next& next_;
};

void add_packet_steps(const World& world, const Rules& rules, const Next& next);
void add_agent_steps(const World& world, const Rules& rules, const Next& next);

}  // namespace sluice::model_check
