// SPDX-License-Identifier: Apache-2.0
// DatagramListeners: the sockets of UDP listeners: each worker binds each of them itself (SO_REUSEPORT), also where
// there is a kernel path, which is one for connections. A port that cannot be bound is reported, and tried again when
// publish() is called again.
// Called by the Supervisor. Thread: main. Two agents that serve at once, as in an upgrade, share the clients of a port
// between them; a client that comes to the other one begins a new session there.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/ip_address.hpp"
#include "agent/proxy/worker.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::app {

class DatagramListeners {
 public:
  explicit DatagramListeners(std::vector<std::unique_ptr<proxy::Worker>>& workers)
      : workers_(workers) {}
  // Binds what is new or could not be bound before, releases what is gone. What could not be bound, by listener name.
  [[nodiscard]] std::map<std::string, std::string> publish(const snapshot::Snapshot& snapshot);

 private:
  Result<void> bind(const model::Listener& listener);

  std::vector<std::unique_ptr<proxy::Worker>>& workers_;
  std::map<std::string, SocketAddress> bound_;  // by listener name
};

}  // namespace sluice::app
