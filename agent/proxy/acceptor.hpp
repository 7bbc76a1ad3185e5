// SPDX-License-Identifier: Apache-2.0
// Acceptor: one listening socket of a worker. Level-triggered, a bounded batch a turn, and it survives running out of
// descriptors or memory: it pauses, and tries again.
// Callers: Worker. Thread: worker. Invariants: paused means out of the reactor and its timer armed.
#pragma once
#include "agent/base/ip_address.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/net/reactor.hpp"

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
  [[nodiscard]] const SocketAddress& local() const { return local_; }

 private:
  // One connection. False when there is none, or accepting has to pause.
  bool accept_one();
  void pause();

  Context& context_;
  UniqueFd socket_;
  SocketAddress local_;
  net::Timer timer_;
  bool watched_ = false;
};

}  // namespace sluice::proxy
