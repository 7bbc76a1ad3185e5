// SPDX-License-Identifier: Apache-2.0
// SteeredSet: one worker's steered connections after the hand-over: watches them end, lingers so
// that a lost last ACK is still answered, sweeps idle ones, keeps held upstream sockets, gives
// slots and ports back, and counts. Thread: worker. Invariants: a slot is FREE for reuse only
// kSlotRest after its entries are gone (a packet in flight on another CPU may still write to it).
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/base/clock.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/datapath/flow_table.hpp"
#include "agent/proxy/steering.hpp"
#include "agent/proxy/worker_report.hpp"
#include "agent/steer/port_pool.hpp"
#include "agent/steer/slot_pool.hpp"
#include "bpf/abi/event.h"

namespace sluice::steer {

struct KeepOptions {
  Milliseconds idle_limit{900'000};  // no packet in either direction
  Milliseconds linger{
      2'000};  // after the end: several retransmissions of a FIN (RFC 6298: RTO from 200 ms here)
  Milliseconds hold_limit{30'000};  // an unacknowledged request; TCP itself would give up later
  Milliseconds port_rest{
      2'000};  // the pod may be in TIME_WAIT; it takes a SYN with a higher number
};

class SteeredSet {
 public:
  // A connection that the kernel does not carry any more.
  struct Gone {
    proxy::CarriedEnd end;
    std::optional<std::uint32_t> listener;
  };
  using Finished = std::function<void(const Gone& gone)>;

  SteeredSet(KeepOptions options, const Clock& clock, datapath::FlowTable& flows,
             const SlotShare& share, PortPool& ports, Finished finished);

  struct Entry {
    std::string cluster;
    std::optional<std::uint32_t> listener;  // Steering::listener_id(); unknown for an adopted one
    std::uint64_t requests_before = 0;      // that the proxy carried, the promoted one not counted
    UniqueFd held;                          // upstream socket that still answers for the request
    TimePoint held_since{};
    bool adopted = false;
    bool has_port = true;  // of ours, to be given back
    bool lingering = false;
    // It is to come back, and `idle`: also while nothing is under way.
    struct Move {
      proxy::MoveReason reason = proxy::MoveReason::kAsked;
      bool idle = false;
      bool waits = false;  // it did at the sweep before this one
    };
    std::optional<Move> move;
    std::uint32_t failures = 0;  // of attempts to take it back
    TimePoint not_before{};      // the next attempt
  };

  [[nodiscard]] std::optional<std::uint32_t> take_slot();
  void give_back_slot(std::uint32_t slot);  // it has no entries (any more)
  void add(std::uint32_t slot, Entry entry);
  void on_event(const lb_event& event);

  [[nodiscard]] Entry* find(std::uint32_t slot, std::uint32_t generation);
  [[nodiscard]] const std::unordered_map<std::uint32_t, Entry>& entries() const { return steered_; }
  // Both for one that lb_tc has let go of (state PASS, no entries): counts it and forgets it.
  void cut(std::uint32_t slot);
  // Its port is the caller's from here on; 0: it is none of ours.
  [[nodiscard]] std::uint16_t hand_on(std::uint32_t slot);

  // Some request is not acknowledged by its pod yet.
  [[nodiscard]] bool holding() const { return !held_.empty(); }
  // Forgets every connection and leaves slots and entries as they are, for the next agent. Totals stay.
  void let_go();

  // Does what is due. Returns how long until the next call is needed; negative = when something was
  // added.
  Milliseconds tick();
  void add_to(proxy::WorkerReport& report) const;
  // Forgets what ended connections of clusters moved that `known` does not have.
  void forget_clusters(const proxy::WorkerReport& known);

 private:
  struct Due {
    TimePoint when;
    std::uint32_t slot;
    std::uint32_t generation;
  };
  struct Totals {
    std::uint64_t turns = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t resent_in = 0;
    std::uint64_t resent_out = 0;

    Totals& operator+=(const Totals& other);
  };
  void adopt(const SlotShare& share);
  void start_linger(std::uint32_t slot, Entry& entry);
  void wake_rested();
  void release_holds();
  void finish_lingering();
  void sweep();
  void press(lb_slot& slot, Entry& entry);
  void remove(std::uint32_t index, proxy::CarriedEnd::How how);
  void release_port(lb_slot& slot, const Entry& entry);
  void collect(std::uint32_t index, Entry& entry, proxy::CarriedEnd::How how);
  [[nodiscard]] static Totals carried_by(lb_slot& slot);
  [[nodiscard]] static proxy::CarriedEnd::How end_of(lb_slot& slot);

  KeepOptions options_;
  const Clock& clock_;
  datapath::FlowTable& flows_;
  std::span<lb_slot> slots_;
  SlotPool pool_;
  PortPool& ports_;
  Finished finished_;
  std::unordered_map<std::uint32_t, Entry> steered_;
  std::vector<std::uint32_t> held_;
  std::deque<Due> lingering_;
  std::deque<Due> resting_;  // removed slots that may be reused later
  TimePoint next_sweep_{};
  std::unordered_map<std::string, Totals> totals_;
  std::uint64_t adopted_ = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(proxy::CarriedEnd::How::kCount)>
      ends_{};  // by CarriedEnd::How
};

}  // namespace sluice::steer
