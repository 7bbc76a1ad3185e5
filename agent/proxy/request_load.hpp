// SPDX-License-Identifier: Apache-2.0
// RequestLoad: what one request counts for in the records of its cluster and of the endpoint it is at, and what it
// reports to outlier detection.
// Callers: Stream. Thread: worker. Invariants: everything is given back by end(); each attempt has one outcome at most.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "agent/health/token.hpp"
#include "agent/proxy/cluster_use.hpp"

namespace sluice::proxy {

class RequestLoad {
 public:
  // The request goes to a cluster. False: it has as many in flight as it may (503).
  [[nodiscard]] bool begin(ClusterUse& use);
  // The same for a connection of a TCP listener, for which limits of requests do not count.
  void begin_connection(ClusterUse& use) { use_ = &use; }
  // Before it is sent again because of a retry policy. False: the cluster has as many retries in flight as it may.
  [[nodiscard]] bool begin_retry();
  // It is now at that endpoint, which counts as tried.
  void begin_attempt(std::uint32_t endpoint);
  void undo_attempt();  // nothing was done there
  // It needs a connection that is not there yet. False: as many requests wait for one as may.
  [[nodiscard]] bool begin_pending();
  void connected() { pending_.release(); }
  // How the attempt went.
  void answered(std::uint16_t status, TimePoint now) { report(health::outcome_of(status), now); }
  void failed(TimePoint now) { report(health::Outcome::kLocalFailure, now); }
  void report(health::Outcome outcome, TimePoint now);
  // The request is over, or the connection left this process.
  void end();

  [[nodiscard]] ClusterUse* use() const { return use_; }
  [[nodiscard]] std::span<const std::uint32_t> tried() const { return tried_; }
  void forget_tried() { tried_.clear(); }

 private:
  ClusterUse* use_ = nullptr;
  health::EndpointRecord* at_ = nullptr;  // the attempt has no outcome yet
  health::Token request_;
  health::Token retry_;
  health::Token pending_;
  health::Token in_flight_;
  std::vector<std::uint32_t> tried_;
};

}  // namespace sluice::proxy
