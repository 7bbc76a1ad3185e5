// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/acceptor.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "agent/base/log.hpp"
#include "agent/net/socket.hpp"
#include "agent/proxy/context.hpp"
#include "agent/proxy/greeting.hpp"

namespace sluice::proxy {
namespace {

constexpr int kBatch = 64;
constexpr int kLargestBacklog = 4096;
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

void Acceptor::accept_all() {
  for (int i = 0; i < kLargestBacklog && watched_ && accept_one(); ++i) {
  }
}

// Why a connection of `listener` (null: none serves its address) is not taken.
std::optional<Ending> Acceptor::obstacle(int client, const snapshot::Listener* listener) {
  const WorkerOptions& options = context_.options;
  if (context_.connections.size() >= options.max_connections) return Ending::kOverload;
  // Descriptors are given out from the lowest on, so the number says how many are in use.
  const auto number = static_cast<std::uint32_t>(client);
  if (options.client_descriptors != 0 && number >= options.client_descriptors) {
    return Ending::kOverload;
  }
  if (listener == nullptr) return Ending::kNoListener;
  return std::nullopt;
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
  const snapshot::Listener* const listener =
      context_.generation ? context_.generation->snapshot().find_listener(local) : nullptr;
  std::optional<Ending> refused = obstacle(client.get(), listener);
  std::optional<ListenerPlace> place;
  if (!refused) {
    place = ListenerPlace::take(context_.load_of(*listener), listener->config.max_connections);
    if (!place) refused = Ending::kListenerLimit;
  }
  if (refused) {
    context_.count(*refused);
    log::debug("proxy", "{}: connection to {} refused: {}", to_string(peer), to_string(local),
               label_of(*refused));
    net::reset_on_close(client.get());
    return true;
  }
  greet(context_, {std::move(client), peer, local, std::move(*place)}, *listener);
  return true;
}

}  // namespace sluice::proxy
