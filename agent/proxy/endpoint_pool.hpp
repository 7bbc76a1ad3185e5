// SPDX-License-Identifier: Apache-2.0
// EndpointPool: the idle connections to one endpoint; EndpointPools: all endpoints of a worker.
// Callers: Generation, Stream, Worker. Thread: worker. Invariants: the most recently used connection is taken first, so
// that the surplus of a burst grows old and expires; connections of the agent's port range stay apart from ordinary
// ones.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "agent/base/ip_address.hpp"
#include "agent/proxy/upstream.hpp"

namespace sluice::proxy {

class EndpointPool : public std::enable_shared_from_this<EndpointPool> {
 public:
  EndpointPool(Context& context, const SocketAddress& address)
      : context_(context), address_(address) {}

  [[nodiscard]] const SocketAddress& address() const { return address_; }
  // An idle connection, or nullptr; none that has been idle for longer than `at_most` (expire() keeps none that long).
  [[nodiscard]] std::unique_ptr<Upstream> take(bool steerable,
                                               Milliseconds at_most = std::chrono::hours(1));
  // Starts a new one; a steerable one where the kernel path allows it and an ordinary one otherwise, or then, if
  // `kept_will_do`, an idle ordinary one.
  [[nodiscard]] Result<std::unique_ptr<Upstream>> connect(bool steerable, std::uint16_t mss,
                                                          bool kept_will_do = false);
  // A request is over and the connection may serve another: keeps it, or closes it when it cannot be kept.
  void put(std::unique_ptr<Upstream> upstream);
  void discard(Upstream& upstream);  // closed while idle
  void expire(TimePoint idle_before);
  void retire();  // the endpoint left the configuration

 private:
  using Idle = std::vector<std::unique_ptr<Upstream>>;

  Context& context_;
  SocketAddress address_;
  std::array<Idle, 2> idle_;  // [steerable]
  bool retired_ = false;
};

class EndpointPools {
 public:
  explicit EndpointPools(Context& context) : context_(context), table_(std::make_shared<Table>()) {}
  // The pool of that address. It is retired when the last of the pointers that were handed out is gone, so that a
  // publish looks only at the endpoints that came or went.
  [[nodiscard]] std::shared_ptr<EndpointPool> get(const SocketAddress& address);
  void expire(TimePoint idle_before);
  void clear();

 private:
  struct Lease;
  struct Entry {
    std::shared_ptr<EndpointPool> pool;
    std::weak_ptr<Lease> lease;  // what the pointers that are handed out count on
  };
  using Table = std::unordered_map<SocketAddress, Entry, SocketAddressHash>;

  Context& context_;
  std::shared_ptr<Table> table_;  // leases may outlive this object
};

}  // namespace sluice::proxy
