// SPDX-License-Identifier: Apache-2.0
// Greeting: what an accepted connection becomes: first a ProxyGate where PROXY headers may come, then a session of its
// listener's protocol. Callers: Acceptor, ProxyGate. Thread: worker.
#pragma once
#include "agent/base/ip_address.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/proxy/listener_load.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::proxy {

struct Context;

struct Accepted {
  UniqueFd client;
  SocketAddress peer;   // who is taken to be the client: the peer, or whom a trusted proxy named
  SocketAddress local;  // the connection's own address, by which its listener is found
  ListenerPlace place;
};

void greet(Context& context, Accepted accepted, const snapshot::Listener& listener);
// Past the PROXY header, if there was any.
void open_session(Context& context, Accepted accepted, const snapshot::Listener& listener);

}  // namespace sluice::proxy
