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
  // Inclusive. `start`: how far from the first one to begin, so that an agent that follows a killed one does not meet
  // the ports that rest in the kernel.
  PortPool(std::uint16_t first, std::uint16_t last, std::uint32_t start = 0);

  // The port that has been out of use for longest; nullopt when all are in use or cooling.
  [[nodiscard]] std::optional<std::uint16_t> take(const SocketAddress& endpoint, TimePoint now);
  // Marks a port as in use (a connection that an earlier agent left). False when it was already.
  bool take_exactly(const SocketAddress& endpoint, std::uint16_t port);
  using Released =
      std::function<void(const SocketAddress& endpoint, std::uint16_t port, TimePoint ready)>;
  // Is told of every release().
  void on_release(Released released) { released_ = std::move(released); }
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
    std::uint32_t never_used = 0;  // order_of() the first port that was never handed out
    // A heap, first ready first: those in TIME_WAIT must not keep back those that rest for a moment.
    std::priority_queue<Cooling, std::vector<Cooling>, std::greater<>> cooling;
    std::unordered_set<std::uint16_t> adopted;  // beyond never_used, in use
  };

  [[nodiscard]] std::uint32_t size() const {
    return static_cast<std::uint32_t>(last_ - first_) + 1;
  }
  // The place of a port in the order in which they are handed out.
  [[nodiscard]] std::uint32_t order_of(std::uint16_t port) const {
    return (static_cast<std::uint32_t>(port - first_) + size() - start_) % size();
  }
  [[nodiscard]] Ports& ports_of(const SocketAddress& endpoint, TimePoint now);

  Released released_;
  std::uint16_t first_;
  std::uint16_t last_;
  std::uint32_t start_;
  std::size_t in_use_ = 0;
  std::unordered_map<SocketAddress, Ports, SocketAddressHash> endpoints_;
};

}  // namespace sluice::steer
