// SPDX-License-Identifier: Apache-2.0
// PortPool: the source ports of steerable upstream connections, per endpoint. The kernel does not
// know that a steered connection still uses its port (its socket is gone), so the agent keeps the
// account itself. Thread: worker; each worker owns a part of the range of its own. Invariants: a
// port is handed out again for the same endpoint only after release() and its cooling time.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "agent/base/clock.hpp"
#include "agent/base/ip_address.hpp"

namespace sluice::steer {

class PortPool {
 public:
  PortPool(std::uint16_t first, std::uint16_t last);  // inclusive

  // The port that has been out of use for longest; nullopt when all are in use or cooling.
  [[nodiscard]] std::optional<std::uint16_t> take(const SocketAddress& endpoint, TimePoint now);
  // Marks a port as in use (a connection that an earlier agent left). False when it was already.
  bool take_exactly(const SocketAddress& endpoint, std::uint16_t port);
  // Free again after `cooling`.
  void release(const SocketAddress& endpoint, std::uint16_t port, TimePoint now,
               Milliseconds cooling);

  [[nodiscard]] bool owns(std::uint16_t port) const { return port >= first_ && port <= last_; }
  [[nodiscard]] std::size_t in_use() const { return in_use_; }
  [[nodiscard]] std::size_t endpoints() const { return endpoints_.size(); }  // remembered

 private:
  struct Cooling {
    TimePoint ready;
    std::uint16_t port;
    bool operator>(const Cooling& other) const { return ready > other.ready; }
  };
  struct Ports {
    std::uint32_t in_use = 0;
    TimePoint all_ready{};         // when the last one has cooled
    std::uint32_t never_used = 0;  // offset of the first port that was never handed out
    // A heap, first ready first: those in TIME_WAIT must not keep back those that rest for a moment.
    std::priority_queue<Cooling, std::vector<Cooling>, std::greater<>> cooling;
    std::unordered_set<std::uint16_t> adopted;  // beyond never_used, in use
  };

  [[nodiscard]] Ports& ports_of(const SocketAddress& endpoint, TimePoint now);

  std::uint16_t first_;
  std::uint16_t last_;
  std::size_t in_use_ = 0;
  std::unordered_map<SocketAddress, Ports, SocketAddressHash> endpoints_;
};

}  // namespace sluice::steer
