// SPDX-License-Identifier: Apache-2.0
// ProxyGate: a connection whose listener reads PROXY headers, until it is known whose it is. It only peeks, and takes
// the header alone from the socket, so that the session behind it begins at its own first byte.
// From a trusted address a header must come, as the specification wants: who guesses can be deceived by clients behind
// a proxy that sends none. From all others none may come, and its absence is what lets them in.
// Callers: greet(). Thread: worker. Invariants: becomes a session or ends; at most kMaxProxyHeader bytes are looked at.
#pragma once
#include <cstdint>
#include <string_view>

#include "agent/proxy/connection.hpp"
#include "agent/proxy/greeting.hpp"
#include "agent/proxy/worker_report.hpp"

namespace sluice::proxy {

class ProxyGate final : public Connection {
 public:
  ProxyGate(Context& context, Accepted accepted);

  void on_ready(std::uint32_t events) override;
  void drive() override;
  void close_now() override;
  void drain(TimePoint idle_end) override;

 private:
  ~ProxyGate() = default;
  [[nodiscard]] std::string_view peek();
  void judge(std::string_view bytes);
  void pass();
  void refuse(Ending ending, const char* reason);
  void on_timer();
  void leave();  // the context and the reactor

  Context& context_;
  Accepted accepted_;
  net::Timer timer_;
  bool trusted_;
  bool ended_ = false;
  bool watched_ = false;
};

}  // namespace sluice::proxy
