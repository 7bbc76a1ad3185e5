// SPDX-License-Identifier: Apache-2.0
#include "tests/support/echo_loop.hpp"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace sluice::support {
namespace {

constexpr std::size_t kScratch = 256UL * 1024;
constexpr int kBacklog = 4096;

void enable(int fd, int level, int option, int value = 1) {
  setsockopt(fd, level, option, &value, sizeof value);
}

}  // namespace

EchoLoop::EchoLoop(const EchoIdentity& identity)
    : identity_(identity), epoll_(epoll_create1(EPOLL_CLOEXEC)), scratch_(kScratch) {}

Result<SocketAddress> EchoLoop::listen(const SocketAddress& address) {
  const bool native_v4 = address.ip.is_v4();
  UniqueFd fd(
      socket(native_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket", errno);
  enable(fd.get(), SOL_SOCKET, SO_REUSEADDR);
  enable(fd.get(), SOL_SOCKET, SO_REUSEPORT);
  if (!native_v4) enable(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  sockaddr_storage storage{};
  const socklen_t size = address.to_sockaddr(storage);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
    return fail_errno("bind " + to_string(address), errno);
  }
  if (::listen(fd.get(), kBacklog) != 0) return fail_errno("listen " + to_string(address), errno);
  socklen_t length = sizeof storage;
  getsockname(fd.get(), reinterpret_cast<sockaddr*>(&storage), &length);
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd.get()}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) != 0) {
    return fail_errno("epoll_ctl", errno);
  }
  SocketAddress bound = SocketAddress::from_sockaddr(storage);
  bound.ip = address.ip;
  listeners_.push_back(std::move(fd));
  return bound;
}

void EchoLoop::accept_all(int listener) {
  for (;;) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    UniqueFd fd(accept4(listener, reinterpret_cast<sockaddr*>(&storage), &length,
                        SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
    enable(fd.get(), IPPROTO_TCP, TCP_NODELAY);
    const int number = fd.get();
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.fd = number}};
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, number, &event) != 0) continue;
    connections_[number] = {std::make_unique<EchoConnection>(
                                std::move(fd), SocketAddress::from_sockaddr(storage), identity_),
                            {}};
    serve(number);  // the request is often there already
  }
}

void EchoLoop::serve(int fd) {
  const auto found = connections_.find(fd);
  if (found == connections_.end()) return;
  auto& [connection, timer] = found->second;
  const bool alive = connection->run(scratch_);
  const auto wanted = alive ? connection->wake() : std::nullopt;
  if (timer != wanted) {
    if (timer) timers_.erase({*timer, connection.get()});
    if (wanted) timers_.insert({*wanted, connection.get()});
    timer = wanted;
  }
  if (!alive) connections_.erase(found);
}

int EchoLoop::wait_ms() const {
  if (timers_.empty()) return -1;
  const auto left = timers_.begin()->first - std::chrono::steady_clock::now();
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::clamp<long>(ms, 0, 60'000));
}

void EchoLoop::run_timers() {
  const TimePoint now = std::chrono::steady_clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) serve(timers_.begin()->second->fd());
}

void EchoLoop::run() {
  std::array<epoll_event, 256> events{};
  for (;;) {
    const int count = epoll_wait(epoll_.get(), events.data(), events.size(), wait_ms());
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      const bool listening = std::any_of(listeners_.begin(), listeners_.end(),
                                         [fd](const UniqueFd& one) { return one.get() == fd; });
      if (listening) {
        accept_all(fd);
      } else {
        serve(fd);
      }
    }
    if (!timers_.empty()) run_timers();
  }
}

}  // namespace sluice::support
