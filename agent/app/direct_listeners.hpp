// SPDX-License-Identifier: Apache-2.0
// DirectListeners: the listening sockets of a machine without a kernel path: each worker binds each listener's port
// itself (SO_REUSEPORT). A port that cannot be bound is reported, and tried again when publish() is called again.
// Thread: main. Invariants: what a bound socket is set to follows its listener's protocol.
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
  // Addresses are bound that this node does not have, or not yet.
  void bind_ahead() { ahead_ = true; }
  // Binds what is new or could not be bound before, releases what is gone. Returns what could not be bound, by listener
  // name.
  [[nodiscard]] std::map<std::string, std::string> publish(const snapshot::Snapshot& snapshot);
  // Listening sockets of an earlier agent for a listener that is not bound yet.
  void inherit(const std::string& listener, std::vector<UniqueFd> sockets) {
    inherited_[listener] = std::move(sockets);
  }
  void forget_inherited() { inherited_.clear(); }
  struct Bound {
    SocketAddress address;
    std::vector<UniqueFd> sockets;  // duplicates of the workers'
  };
  [[nodiscard]] const std::map<std::string, Bound>& bound() const { return bound_; }
  // This process accepts no more: only the workers keep their sockets.
  void forget_sockets() { bound_.clear(); }
  // The kernel path serves from now on.
  void unbind_all();

 private:
  static void set_protocol(const model::Listener& listener, Bound& bound);
  Result<void> bind(const model::Listener& listener);
  [[nodiscard]] Result<std::vector<UniqueFd>> sockets_for(const model::Listener& listener);

  std::vector<std::unique_ptr<proxy::Worker>>& workers_;
  std::map<std::string, Bound> bound_;  // by listener name
  std::map<std::string, std::vector<UniqueFd>> inherited_;
  bool ahead_ = false;
};

}  // namespace sluice::app
