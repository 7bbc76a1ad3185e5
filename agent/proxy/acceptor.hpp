// SPDX-License-Identifier: Apache-2.0
// Acceptor: one listening socket of a worker. Level-triggered, a bounded batch a turn, and it survives running out of
// descriptors or memory: it pauses, and tries again.
// Callers: Worker. Thread: worker. Invariants: paused means out of the reactor and its timer armed.
#pragma once
#include <optional>

#include "agent/base/ip_address.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/net/reactor.hpp"
#include "agent/proxy/worker_report.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::proxy {

struct Context;

class Acceptor final : public net::EventHandler {
 public:
  Acceptor(Context& context, UniqueFd socket);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  void on_ready(std::uint32_t events) override;
  void resume();
  void accept_all();  // what has been established and waits to be accepted
  [[nodiscard]] const SocketAddress& local() const { return local_; }

 private:
  // One connection. False when there is none, or accepting has to pause.
  bool accept_one();
  [[nodiscard]] std::optional<Ending> obstacle(int client, const snapshot::Listener* listener);
  void pause();

  Context& context_;
  UniqueFd socket_;
  SocketAddress local_;
  net::Timer timer_;
  bool watched_ = false;
};

}  // namespace sluice::proxy
