// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/tail.hpp"

#include "agent/proxy/context.hpp"

namespace sluice::proxy {

Tail::Tail(Context& context, Connection& owner, SteerUpstream endpoint)
    : context_(context), owner_(owner), endpoint_(std::move(endpoint)), channel_(context.memory) {
  channel_.attach(std::move(endpoint_.fd));
}

Tail::~Tail() {
  if (channel_.fd() >= 0) context_.steering->close_upstream(release(), false);
}

SteerUpstream Tail::release() {
  channel_.unwatch(context_.reactor);
  endpoint_.fd = std::move(channel_.descriptor());
  return std::move(endpoint_);
}

void Tail::on_ready(std::uint32_t events) {
  channel_.note(events);
  owner_.drive();  // may destroy this
}

bool Tail::watch() { return channel_.watch(context_.reactor, *this); }

void Tail::take(std::string_view bytes) {
  channel_.keep(bytes, bytes.size());
  channel_.release_buffers();
}

}  // namespace sluice::proxy
