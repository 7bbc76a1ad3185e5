// SPDX-License-Identifier: Apache-2.0
#include "agent/net/socket.hpp"

#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>

namespace sluice::net {
namespace {

constexpr int kBacklog = 4096;  // the kernel lowers it to net.core.somaxconn

bool set_flag(int fd, int level, int option, int value = 1) {
  return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

Result<UniqueFd> open_tcp(int family) {
  UniqueFd fd(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("net: cannot open a TCP socket", errno);
  return fd;
}

SocketAddress name_of(int fd, int (*query)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (query(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  return SocketAddress::from_sockaddr(storage);
}

Result<UniqueFd> open_for(const std::optional<IpAddress>& bind, bool& dual) {
  dual = false;
  if (bind) return open_tcp(bind->is_v4() ? AF_INET : AF_INET6);
  auto fd = open_tcp(AF_INET6);
  if (fd && set_flag(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY, 0)) {
    dual = true;
    return fd;
  }
  return open_tcp(AF_INET);
}

}  // namespace

Result<UniqueFd> listen_tcp(std::optional<IpAddress> bind, std::uint16_t port, bool ahead) {
  bool dual = false;
  auto fd = open_for(bind, dual);
  if (!fd) return fd;
  SocketAddress address{bind ? *bind : IpAddress{}, port};
  if (!bind && !dual) address.ip = IpAddress::v4(in_addr{INADDR_ANY});
  if (bind && ahead) {
    const bool v4 = bind->is_v4();
    set_flag(fd->get(), v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_FREEBIND : IPV6_FREEBIND);
  }
  set_flag(fd->get(), SOL_SOCKET, SO_REUSEADDR);
  set_flag(fd->get(), IPPROTO_TCP, TCP_NODELAY);
  if (bind && !bind->is_v4()) set_flag(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY);
  if (!set_flag(fd->get(), SOL_SOCKET, SO_REUSEPORT)) {
    return fail_errno("net: SO_REUSEPORT failed for " + to_string(address), errno);
  }
  sockaddr_storage storage{};
  const socklen_t size = address.to_sockaddr(
      storage, dual ? SocketAddress::Form::kMapped : SocketAddress::Form::kNative);
  if (::bind(fd->get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
    return fail_errno("net: cannot listen on " + to_string(address) +
                          " (another process may own the port; ports below 1024 need "
                          "CAP_NET_BIND_SERVICE)",
                      errno);
  }
  if (listen(fd->get(), kBacklog) != 0) {
    return fail_errno("net: listen failed on " + to_string(address), errno);
  }
  return fd;
}

Result<UniqueFd> connect_tcp(const SocketAddress& remote) {
  auto fd = open_tcp(remote.ip.is_v4() ? AF_INET : AF_INET6);
  if (!fd) return fd;
  set_flag(fd->get(), IPPROTO_TCP, TCP_NODELAY);
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
  set_flag(fd, SOL_SOCKET, SO_KEEPALIVE);
  const auto set = [fd](int option, std::int64_t value, int most) {
    set_flag(fd, IPPROTO_TCP, option, static_cast<int>(std::clamp<std::int64_t>(value, 1, most)));
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

void reset_on_close(int fd) {
  const linger now{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

}  // namespace sluice::net
