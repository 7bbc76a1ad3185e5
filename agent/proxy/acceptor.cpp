// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/acceptor.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "agent/base/log.hpp"
#include "agent/net/socket.hpp"
#include "agent/proxy/context.hpp"
#include "agent/proxy/session.hpp"

namespace sluice::proxy {
namespace {

constexpr int kBatch = 64;
constexpr Milliseconds kPause{100};

}  // namespace

Acceptor::Acceptor(Context& context, UniqueFd socket)
    : context_(context),
      socket_(std::move(socket)),
      local_(net::local_address(socket_.get())),
      timer_(context.reactor, [this] { resume(); }) {}

Acceptor::~Acceptor() {
  if (watched_) context_.reactor.remove(socket_.get());
}

void Acceptor::resume() {
  const auto added = context_.reactor.add(socket_.get(), EPOLLIN, *this);
  watched_ = added.has_value();
  if (!watched_) timer_.arm(kPause);
}

void Acceptor::pause() {
  context_.reactor.remove(socket_.get());
  watched_ = false;
  timer_.arm(kPause);
}

void Acceptor::on_ready(std::uint32_t /*events*/) {
  for (int i = 0; i < kBatch && accept_one(); ++i) {
  }
}

bool Acceptor::accept_one() {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  UniqueFd client(accept4(socket_.get(), reinterpret_cast<sockaddr*>(&storage), &size,
                          SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!client) {
    const int error = errno;
    if (error == EAGAIN) return false;
    // Errors of the connection that was to be accepted, such as ECONNABORTED: the next one may be fine (accept(2)).
    if (error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM) return true;
    context_.count(Ending::kOverload);
    log::warn("proxy",
              "cannot accept on {}: {}; pausing for {} ms. Raise the limit of open files "
              "(ulimit -n, LimitNOFILE)",
              to_string(local_), std::strerror(error), kPause.count());
    pause();
    return false;
  }
  ++context_.report.connections_accepted;
  const SocketAddress peer = SocketAddress::from_sockaddr(storage);
  const SocketAddress local = net::local_address(client.get());
  const bool full = context_.sessions.size() >= context_.options.max_connections;
  const bool served = !full && context_.generation != nullptr &&
                      context_.generation->snapshot().find_listener(local) != nullptr;
  if (!served) {
    context_.count(full ? Ending::kOverload : Ending::kNoListener);
    log::debug("proxy", "{}: connection to {} refused: {}", to_string(peer), to_string(local),
               label_of(full ? Ending::kOverload : Ending::kNoListener));
    net::reset_on_close(client.get());
    return true;
  }
  auto* const session = new Session(context_, std::move(client), peer, local);
  session->drive();  // the request is often there already; owns itself from here
  return true;
}

}  // namespace sluice::proxy
