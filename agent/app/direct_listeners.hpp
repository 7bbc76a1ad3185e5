// SPDX-License-Identifier: Apache-2.0
// DirectListeners: the listening sockets of a machine without a kernel path: each worker binds each listener's port
// itself (SO_REUSEPORT). A port that cannot be bound is reported and tried again at the next generation.
// Thread: main.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/proxy/worker.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::app {

class DirectListeners {
 public:
  explicit DirectListeners(std::vector<std::unique_ptr<proxy::Worker>>& workers)
      : workers_(workers) {}
  // Binds what is new, releases what is gone. Returns what could not be bound, by listener name.
  [[nodiscard]] std::map<std::string, std::string> publish(const snapshot::Snapshot& snapshot);

 private:
  Result<void> bind(const model::Listener& listener);

  std::vector<std::unique_ptr<proxy::Worker>>& workers_;
  std::map<std::string, SocketAddress> bound_;  // by listener name
};

}  // namespace sluice::app
