// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/proxy_gate.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "agent/base/log.hpp"
#include "agent/net/proxy_protocol.hpp"
#include "agent/net/socket.hpp"
#include "agent/proxy/context.hpp"

namespace sluice::proxy {
namespace {

using State = net::ProxyParse::State;

bool contains(const std::vector<IpPrefix>& prefixes, const IpAddress& address) {
  return std::ranges::any_of(prefixes,
                             [&](const auto& prefix) { return prefix.contains(address); });
}

}  // namespace

ProxyGate::ProxyGate(Context& context, Accepted accepted)
    : context_(context),
      accepted_(std::move(accepted)),
      timer_(context.reactor, [this] { on_timer(); }),
      trusted_(contains(context.options.trusted_cidrs, accepted_.peer.ip)) {
  context_.add(*this);
  timer_.arm(context_.options.head_timeout);
}

void ProxyGate::on_ready(std::uint32_t /*events*/) { drive(); }

void ProxyGate::drive() {
  const std::string_view bytes = peek();
  if (bytes.empty() && ended_) {
    close_now();  // came and went without a word, as port scanners and health checks do
    return;
  }
  judge(bytes);
}

// Everything that has arrived, as far as a header may reach.
std::string_view ProxyGate::peek() {
  auto& scratch = context_.memory.scratch;
  const std::size_t size = std::min(scratch.size(), net::kMaxProxyHeader);
  const ssize_t got = recv(accepted_.client.get(), scratch.data(), size, MSG_PEEK | MSG_DONTWAIT);
  if (got < 0) {
    ended_ = errno != EAGAIN && errno != EINTR;
    return {};
  }
  ended_ = got == 0;
  return {scratch.data(), static_cast<std::size_t>(got)};
}

void ProxyGate::judge(std::string_view bytes) {
  const net::ProxyParse parse = net::parse_proxy_header(bytes);
  switch (parse.state) {
    case State::kNeedMore: {
      // A FIN behind part of a header is no new byte: only the timer would end it, which is soon enough.
      if (watched_) return;
      const auto added = context_.reactor.add(accepted_.client.get(), EPOLLIN | EPOLLET, *this);
      watched_ = added.has_value();
      if (!watched_) refuse(Ending::kOverload, "reactor");
      return;
    }
    case State::kAbsent:
      return trusted_ ? refuse(Ending::kProxyHeader, "missing") : pass();
    case State::kInvalid:
      return refuse(trusted_ ? Ending::kProxyHeader : Ending::kProxyUntrusted, parse.reason);
    case State::kHeader:
      break;
  }
  if (!trusted_) return refuse(Ending::kProxyUntrusted, "header");
  const auto taken =
      recv(accepted_.client.get(), context_.memory.scratch.data(), parse.consumed, 0);
  if (taken != static_cast<ssize_t>(parse.consumed)) return refuse(Ending::kProxyHeader, "read");
  if (parse.header.addresses) accepted_.peer = parse.header.addresses->source;
  pass();
}

void ProxyGate::leave() {
  if (watched_) context_.reactor.remove(accepted_.client.get());
  watched_ = false;
  context_.remove(*this);
}

void ProxyGate::pass() {
  const snapshot::Listener* const listener =
      context_.generation->snapshot().find_listener(accepted_.local);
  if (listener == nullptr) return refuse(Ending::kNoListener, "listener");
  Context& context = context_;
  Accepted accepted = std::move(accepted_);
  if (watched_) context.reactor.remove(accepted.client.get());
  watched_ = false;
  // The session is there before the gate is gone, so that a drain does not take the worker for empty in between.
  open_session(context, std::move(accepted), *listener);
  context.remove(*this);
  delete this;
}

void ProxyGate::refuse(Ending ending, const char* reason) {
  context_.count(ending);
  log::debug("proxy", "{}: connection to {} refused: {} ({})", to_string(accepted_.peer),
             to_string(accepted_.local), label_of(ending), reason);
  net::reset_on_close(accepted_.client.get());
  close_now();
}

void ProxyGate::close_now() {
  leave();
  delete this;
}

void ProxyGate::drain(TimePoint /*idle_end*/) {}  // its timer ends it soon enough

// Where the server speaks first nothing comes from an ordinary client: after the wait it is let in.
void ProxyGate::on_timer() {
  if (!trusted_ && peek().empty() && !ended_) return pass();
  refuse(trusted_ ? Ending::kProxyHeader : Ending::kHeadTimeout, "timeout");
}

}  // namespace sluice::proxy
