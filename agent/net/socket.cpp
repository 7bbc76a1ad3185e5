// SPDX-License-Identifier: Apache-2.0
#include "agent/net/socket.hpp"

#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>

#include "agent/net/bind.hpp"

namespace sluice::net {
namespace {

constexpr int kBacklog = 4096;  // the kernel lowers it to net.core.somaxconn

SocketAddress name_of(int fd, int (*query)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (query(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  return SocketAddress::from_sockaddr(storage);
}

}  // namespace

Result<UniqueFd> listen_tcp(std::optional<IpAddress> bind, std::uint16_t port, bool ahead) {
  auto fd = bind_socket(SOCK_STREAM, bind, port, bind && ahead, [](int socket, int /*family*/) {
    set_option(socket, SOL_SOCKET, SO_REUSEADDR);
    set_option(socket, IPPROTO_TCP, TCP_NODELAY);
  });
  if (fd && listen(fd->get(), kBacklog) != 0) {
    return fail_errno("net: listen failed on " + to_string(local_address(fd->get())), errno);
  }
  return fd;
}

Result<UniqueFd> connect_tcp(const SocketAddress& remote) {
  auto fd = open_socket(remote.ip.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM);
  if (!fd) return fd;
  set_option(fd->get(), IPPROTO_TCP, TCP_NODELAY);
  sockaddr_storage storage{};
  const socklen_t size = remote.to_sockaddr(storage);
  if (connect(fd->get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0 &&
      errno != EINPROGRESS) {
    return fail_errno("net: cannot connect to " + to_string(remote), errno);
  }
  return fd;
}

int pending_error(int fd) {
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

bool is_connected(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  return getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) == 0;
}

SocketAddress local_address(int fd) { return name_of(fd, getsockname); }
SocketAddress peer_address(int fd) { return name_of(fd, getpeername); }

void keep_alive(int fd, const KeepAlive& settings) {
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE);
  const auto set = [fd](int option, std::int64_t value, int most) {
    set_option(fd, IPPROTO_TCP, option, static_cast<int>(std::clamp<std::int64_t>(value, 1, most)));
  };
  // The largest values that Linux takes (MAX_TCP_KEEPCNT, MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL).
  if (settings.probes) set(TCP_KEEPCNT, *settings.probes, 127);
  const auto seconds = [](Milliseconds time) {
    return std::chrono::ceil<std::chrono::seconds>(time).count();
  };
  if (settings.time) set(TCP_KEEPIDLE, seconds(*settings.time), 32'767);
  if (settings.interval) set(TCP_KEEPINTVL, seconds(*settings.interval), 32'767);
}

void accept_with_data(int fd, bool on) {
  const int seconds = on ? 1 : 0;
  setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
}

void reset_on_close(int fd, bool on) {
  const linger now{on ? 1 : 0, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

}  // namespace sluice::net
