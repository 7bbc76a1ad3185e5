// SPDX-License-Identifier: Apache-2.0
// ConnectionQueue: requests of this worker that wait until their cluster may have another connection
// (tcp.maxConnections). The limit holds for the whole agent: a connection that this worker frees is given to its own
// queue at once; one that another worker frees is found within kRetry; and an idle one of another worker is asked for
// through the registry.
// Callers: Stream (waits), EndpointPool (frees). Thread: worker. Invariants: first come, first served within a cluster;
// a waiter is in the queue once and leaves it before it goes.
#pragma once
#include <list>
#include <memory>
#include <unordered_map>

#include "agent/base/clock.hpp"
#include "agent/health/cluster_record.hpp"
#include "agent/net/reactor.hpp"

namespace sluice::proxy {

class EndpointPool;
struct Context;

class ConnectionWaiter {
 public:
  // There may be a connection: takes it and leaves the queue, or stays. May destroy itself.
  virtual void on_turn() = 0;

 protected:
  ~ConnectionWaiter() = default;
};

class ConnectionQueue {
 public:
  static constexpr Milliseconds kRetry{5};

  explicit ConnectionQueue(Context& context);
  ~ConnectionQueue();
  ConnectionQueue(const ConnectionQueue&) = delete;
  ConnectionQueue& operator=(const ConnectionQueue&) = delete;

  void join(health::ClusterRecord& cluster, ConnectionWaiter& waiter);
  void leave(health::ClusterRecord& cluster, ConnectionWaiter& waiter);
  // A pool of a cluster with a limit has an idle connection more, or an open one less.
  void connection_idle(EndpointPool& pool);
  void connection_closed(EndpointPool& pool);
  void clear();  // before the reactor goes

 private:
  struct Line {
    std::shared_ptr<health::ClusterRecord> cluster;
    std::list<ConnectionWaiter*> waiters;
    bool called = false;  // serve() is on its way
  };
  void call(Line& line);
  void serve(health::ClusterRecord* cluster);
  void on_timer();

  Context& context_;
  std::unordered_map<health::ClusterRecord*, Line> lines_;
  std::unique_ptr<net::Timer> timer_;
};

}  // namespace sluice::proxy
