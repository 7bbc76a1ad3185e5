// SPDX-License-Identifier: Apache-2.0
// MappedFlowTable: FlowTable over the kernel's maps. Owned by Datapath.
// Thread: any. Invariants: the mapping lives as long as the object; file descriptors belong to
// Objects and Rings.
#pragma once
#include <memory>
#include <span>
#include <vector>

#include "agent/datapath/flow_table.hpp"

namespace sluice::datapath {

struct FlowMaps {
  int flows = -1;
  int slots = -1;
  int legs = -1;
  int sources = -1;
  std::uint32_t slot_count = 0;
  std::vector<int> rings;  // by worker; -1 = none
};

class MappedFlowTable final : public FlowTable {
 public:
  static Result<std::unique_ptr<MappedFlowTable>> open(FlowMaps maps);
  ~MappedFlowTable() override;
  MappedFlowTable(const MappedFlowTable&) = delete;
  MappedFlowTable& operator=(const MappedFlowTable&) = delete;

  std::span<lb_slot> slots() override { return slots_; }
  Result<void> install(const lb_tuple& client, const lb_flow& to_pod, const lb_tuple& pod,
                       const lb_flow& to_client) override;
  void remove(const lb_tuple& client, const lb_tuple& pod) override;
  std::optional<lb_leg> leg(const lb_tuple& remote) override;
  void set_leg(const lb_tuple& remote, const lb_leg& leg) override;
  void forget_leg(const lb_tuple& remote) override;
  Result<void> add_source(const SourcePair& pair, std::uint32_t ifindex) override;
  void remove_source(const SourcePair& pair) override;
  std::optional<IpAddress> node_behind(const lb_tuple& answer) override;
  std::vector<SourcePair> sources() override;
  int ring_fd(std::uint32_t worker) const override;

 private:
  MappedFlowTable(FlowMaps maps, std::span<lb_slot> slots)
      : maps_(std::move(maps)), slots_(slots) {}

  FlowMaps maps_;
  std::span<lb_slot> slots_;
};

}  // namespace sluice::datapath
