// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/greeting.hpp"

#include "agent/proxy/context.hpp"
#include "agent/proxy/h1_session.hpp"
#include "agent/proxy/proxy_gate.hpp"
#include "agent/proxy/tcp_session.hpp"

namespace sluice::proxy {

void greet(Context& context, Accepted accepted, const snapshot::Listener& listener) {
  if (!listener.config.proxy_protocol) {
    open_session(context, std::move(accepted), listener);
    return;
  }
  auto* const gate = new ProxyGate(context, std::move(accepted));
  gate->drive();
}

void open_session(Context& context, Accepted accepted, const snapshot::Listener& listener) {
  if (listener.config.protocol == "TCP") {
    auto* const session = new TcpSession(context, std::move(accepted), listener);
    session->drive();
    return;
  }
  auto* const session =
      new H1Session(context, std::move(accepted.client), accepted.peer, accepted.local);
  session->hold(std::move(accepted.place));
  session->drive();  // the request is often there already; owns itself from here
}

}  // namespace sluice::proxy
