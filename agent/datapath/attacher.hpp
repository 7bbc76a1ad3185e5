// SPDX-License-Identifier: Apache-2.0
// Attacher: puts lb_tc on one interface, by tcx where the kernel has it, else as a clsact filter of
// our own priority. Owned by Datapath. Thread: main. Invariants: programs and filters of others are
// never touched; an attached interface is never without a program while it is replaced by another
// one.
#pragma once
#include <cstdint>
#include <set>
#include <string>

#include "agent/base/error.hpp"
#include "agent/datapath/datapath.hpp"
#include "agent/datapath/link_monitor.hpp"
#include "agent/datapath/pin_store.hpp"

namespace sluice::datapath {

struct TcPair {
  int ingress = -1;
  int egress = -1;
};

struct TcPrograms {
  TcPair ethernet;
  TcPair headerless;  // for devices whose packets start with the IP header
};

class Attacher {
 public:
  Attacher(const PinStore& pins, TcPrograms programs, bool prefer_tcx)
      : pins_(pins), programs_(programs), tcx_(prefer_tcx) {}

  // Attaches or replaces. An error says why this interface stays without.
  Result<AttachMode> attach(const Link& link);
  void detach(std::uint32_t ifindex);
  // Drops the pins of an interface that is gone.
  void forget(std::uint32_t ifindex);
  // Interfaces for which an earlier agent left pins.
  [[nodiscard]] std::set<std::uint32_t> pinned() const;

 private:
  Result<void> attach_tcx(std::uint32_t ifindex, const TcPair& pair);

  const PinStore& pins_;
  TcPrograms programs_;
  bool tcx_;
};

// Why lb_tc does not belong on this device; empty when it does.
[[nodiscard]] std::string not_eligible(const Link& link, const std::vector<std::string>& ignored);

}  // namespace sluice::datapath
