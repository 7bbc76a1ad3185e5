// SPDX-License-Identifier: Apache-2.0
// Connection: a client's connection in whatever protocol, as its worker keeps it: counted, driven, drained, closed.
// H1Session, TcpSession and ProxyGate are connections. Callers: Context, Worker. Thread: worker.
// Invariants: registered with the Context from its constructor to its end; lives by itself, so whoever calls drive()
// must not touch it afterwards.
#pragma once
#include <utility>

#include "agent/base/clock.hpp"
#include "agent/net/reactor.hpp"
#include "agent/proxy/listener_load.hpp"

namespace sluice::proxy {

class Connection : public net::EventHandler {
 public:
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  virtual void drive() = 0;      // does all that needs no waiting; may destroy this
  virtual void close_now() = 0;  // at the end of a drain; destroys this
  // The worker drains: what is idle ends at `idle_end` at the latest, work in flight goes on. May destroy this.
  virtual void drain(TimePoint idle_end) = 0;

  // Its place among its listener's connections, given up when it ends.
  void hold(ListenerPlace place) { place_ = std::move(place); }
  // For another connection that goes on with its client.
  [[nodiscard]] ListenerPlace give_place() { return std::move(place_); }

 protected:
  Connection() = default;
  ~Connection() = default;

 private:
  ListenerPlace place_;
};

}  // namespace sluice::proxy
