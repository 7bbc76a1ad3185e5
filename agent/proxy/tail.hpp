// SPDX-License-Identifier: Apache-2.0
// Tail: what is left of the way that the kernel carried a client's connection: the connection to its old endpoint, kept
// until the client's next answer begins, for that endpoint may still have something to say (docs/adr/0004).
// Callers: H1Session. Thread: worker. Invariants: serves no other client; ends as its owner lets go of it.
#pragma once
#include "agent/proxy/channel.hpp"
#include "agent/proxy/connection.hpp"
#include "agent/proxy/steering.hpp"

namespace sluice::proxy {

struct Context;

class Tail final : public net::EventHandler {
 public:
  // `owner` is driven when the endpoint has news.
  Tail(Context& context, Connection& owner, SteerUpstream endpoint);
  ~Tail();
  Tail(const Tail&) = delete;
  Tail& operator=(const Tail&) = delete;

  void on_ready(std::uint32_t events) override;
  [[nodiscard]] bool watch();
  // What the endpoint said and nobody has taken; take() must follow.
  [[nodiscard]] std::string_view input() { return channel_.input(); }
  void take(std::string_view bytes);
  // For whoever goes on with it; this is over then.
  [[nodiscard]] SteerUpstream release();
  [[nodiscard]] bool has_spoken() const { return channel_.received() > 0; }
  [[nodiscard]] bool over() const { return channel_.ended() || channel_.receive_failed(); }
  [[nodiscard]] bool broken() const { return channel_.receive_failed(); }

 private:
  Context& context_;
  Connection& owner_;
  SteerUpstream endpoint_;  // without its descriptor, which the channel has
  Channel channel_;
};

}  // namespace sluice::proxy
