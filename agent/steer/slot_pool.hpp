// SPDX-License-Identifier: Apache-2.0
// SlotPool and the division of the pinned slot array among workers at start: which slots are free,
// which carry a connection that an earlier agent left behind. Thread: divide() on main before
// workers start; a SlotPool belongs to one worker. Invariants: a slot has one owner.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "agent/datapath/flow_table.hpp"
#include "bpf/abi/slot.h"

namespace sluice::steer {

struct SlotShare {
  std::vector<std::uint32_t> free;
  std::vector<std::uint32_t> adopted;     // still steered
  std::vector<std::uint32_t> given_back;  // PASS: entries to remove, then free
  std::vector<datapath::SourcePair> sources;
};

// The range of upstream source ports of one worker, inclusive.
struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
};

// Splits first..last into `workers` ranges; every port is in exactly one.
[[nodiscard]] std::vector<PortRange> divide_ports(std::uint16_t first, std::uint16_t last,
                                                  std::uint32_t workers);

// Free slots go to workers in equal parts; a steered one goes to the worker in whose range its
// upstream port lies (or, with a changed range, by index). Also repairs what only a dead agent
// could have finished: HELD and ARMED become NORMAL (the client's retransmission goes to the same
// pod), nobody answers for a held request any more, USED becomes FREE. Call before any worker runs.
[[nodiscard]] std::vector<SlotShare> divide_slots(std::span<lb_slot> slots,
                                                  std::span<const PortRange> ports);

// Each goes to the worker in whose range its port lies, or to the first one.
void divide_sources(const std::vector<datapath::SourcePair>& sources,
                    std::span<const PortRange> ports, std::vector<SlotShare>& shares);

class SlotPool {
 public:
  explicit SlotPool(std::vector<std::uint32_t> free) : free_(std::move(free)) {}
  [[nodiscard]] std::optional<std::uint32_t> take();
  void give_back(std::uint32_t slot) { free_.push_back(slot); }
  [[nodiscard]] std::size_t available() const { return free_.size(); }

 private:
  std::vector<std::uint32_t> free_;
};

}  // namespace sluice::steer
