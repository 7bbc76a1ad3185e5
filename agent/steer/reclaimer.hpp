// SPDX-License-Identifier: Apache-2.0
// Reclaimer: takes connections back from the kernel: arms them, and once one has stopped at a boundary restores both of
// its sockets and hands them on (docs/steering.md, docs/adr/0004).
// Callers: WorkerSteering. Thread: worker. Invariants: a connection leaves HELD by this object only, forward to PASS or
// back to NORMAL, before control returns to the reactor; bytes are added to a restored socket only while it is HELD.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/clock.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/datapath/flow_table.hpp"
#include "agent/proxy/steering.hpp"
#include "agent/proxy/worker_report.hpp"
#include "agent/steer/steered_set.hpp"
#include "agent/steer/tracking.hpp"
#include "bpf/abi/event.h"

namespace sluice::steer {

class Reclaimer {
 public:
  using Deliver = std::function<void(proxy::Returned)>;

  // Sockets whose number is `descriptors` or more are not taken: others need those. 0 = no such limit.
  Reclaimer(const Clock& clock, datapath::FlowTable& flows, SteeredSet& steered,
            std::uint32_t descriptors, Deliver deliver)
      : clock_(clock),
        flows_(flows),
        steered_(steered),
        descriptors_(descriptors),
        deliver_(std::move(deliver)) {}

  // As in proxy::Steering.
  bool take_back(proxy::CarriedId id, proxy::MoveReason reason, bool idle);
  void keep(proxy::CarriedId id);
  void cut(proxy::CarriedId id);
  // Nothing is to come back any more; what has stopped already still does.
  void keep_all();

  // TURN and DATA. Only notes what came: finish() must follow once the ring is empty.
  void on_event(const lb_event& event, std::string_view payload);
  // Stops what is idle and may come back so, and tries again what failed. Returns how long until the next call is
  // needed; negative: when take_back() was called. finish() must follow.
  Milliseconds tick();
  // Restores and hands on all that has stopped. `consume` reads the ring again: what the client sent meanwhile.
  void finish(const std::function<void()>& consume);

  void add_to(proxy::WorkerReport& report) const;

 private:
  using Entry = SteeredSet::Entry;
  // A connection that is HELD.
  struct Stopped {
    proxy::CarriedId id;
    Boundary at;
    std::string input;  // from the boundary on
    bool idle = false;
    UniqueFd client;          // once restored; further bytes go to it
    std::uint64_t added = 0;  // bytes beyond `input` that it has
  };

  bool arm(lb_slot& slot, const Entry& entry) const;
  void stop_if_idle(proxy::CarriedId id);
  void turn(const lb_event& event, std::string_view payload);
  void more(const lb_event& event, std::string_view payload);
  [[nodiscard]] Stopped* stopped(const lb_event& event);
  // The endpoint's socket; `next` has the client's. Fails as failed() has told.
  std::optional<UniqueFd> restore(Stopped& next);
  [[nodiscard]] Result<UniqueFd> restore_endpoint(const lb_slot& slot, const Boundary& at);
  void give_back(Stopped& connection, UniqueFd endpoint);
  void failed(const Stopped& connection, proxy::ReturnFailure why, const std::string& message);
  void count(proxy::ReturnFailure why) { ++failures_[static_cast<std::size_t>(why)]; }
  void watch(proxy::CarriedId id);
  [[nodiscard]] lb_slot& slot_of(proxy::CarriedId id) { return flows_.slots()[id.slot]; }

  const Clock& clock_;
  datapath::FlowTable& flows_;
  SteeredSet& steered_;
  std::uint32_t descriptors_;
  Deliver deliver_;
  std::deque<Stopped> stopped_;
  std::vector<proxy::CarriedId> watched_;  // to come back idle, or to be tried again
  std::array<std::uint64_t, static_cast<std::size_t>(proxy::MoveReason::kCount)> asked_{};
  std::array<std::uint64_t, static_cast<std::size_t>(proxy::ReturnFailure::kCount)> failures_{};
  std::uint64_t at_turn_ = 0;
  std::uint64_t idle_ = 0;
};

}  // namespace sluice::steer
