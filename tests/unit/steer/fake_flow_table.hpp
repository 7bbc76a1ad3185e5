// SPDX-License-Identifier: Apache-2.0
// FakeFlowTable: slots in memory, entries that are only counted, the last leg that was written.
#pragma once
#include <utility>
#include <vector>

#include "agent/datapath/flow_table.hpp"

namespace sluice::steer {

class FakeFlowTable final : public datapath::FlowTable {
 public:
  std::span<lb_slot> slots() override { return slots_; }
  Result<void> install(const lb_tuple&, const lb_flow&, const lb_tuple&, const lb_flow&) override {
    return {};
  }
  void remove(const lb_tuple&, const lb_tuple&) override { ++removals; }
  std::optional<lb_leg> leg(const lb_tuple&) override { return std::nullopt; }
  void set_leg(const lb_tuple& remote, const lb_leg& leg) override {
    legs.emplace_back(remote, leg);
  }
  void forget_leg(const lb_tuple&) override {}
  Result<void> add_source(const datapath::SourcePair& pair, std::uint32_t) override {
    added.push_back(pair);
    return add_result;
  }
  void remove_source(const datapath::SourcePair& pair) override { removed.push_back(pair); }
  std::optional<IpAddress> node_behind(const lb_tuple&) override { return std::nullopt; }
  std::vector<datapath::SourcePair> sources() override { return {}; }
  int ring_fd(std::uint32_t) const override { return -1; }

  int removals = 0;
  std::vector<datapath::SourcePair> added;
  std::vector<datapath::SourcePair> removed;
  Result<void> add_result;
  std::vector<std::pair<lb_tuple, lb_leg>> legs;

 private:
  std::vector<lb_slot> slots_ = std::vector<lb_slot>(4);
};

}  // namespace sluice::steer
