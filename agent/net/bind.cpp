// SPDX-License-Identifier: Apache-2.0
#include "agent/net/bind.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace sluice::net {
namespace {

struct Opened {
  UniqueFd fd;
  int family = AF_INET;
  bool dual = false;
};

Result<Opened> open_for(const std::optional<IpAddress>& bind, int type) {
  if (!bind) {
    auto fd = open_socket(AF_INET6, type);
    if (fd && set_option(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY, 0)) {
      return Opened{std::move(*fd), AF_INET6, true};
    }
  }
  const int family = !bind || bind->is_v4() ? AF_INET : AF_INET6;
  auto fd = open_socket(family, type);
  if (!fd) return tl::unexpected(fd.error());
  if (family == AF_INET6) set_option(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY);
  return Opened{std::move(*fd), family, false};
}

}  // namespace

Result<UniqueFd> open_socket(int family, int type) {
  UniqueFd fd(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd) return fd;
  return fail_errno(
      type == SOCK_STREAM ? "net: cannot open a TCP socket" : "net: cannot open a UDP socket",
      errno);
}

bool set_option(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

Result<UniqueFd> bind_socket(int type, std::optional<IpAddress> bind, std::uint16_t port,
                             bool ahead, const std::function<void(int fd, int family)>& prepare) {
  auto opened = open_for(bind, type);
  if (!opened) return tl::unexpected(opened.error());
  const int fd = opened->fd.get();
  SocketAddress address{bind.value_or(IpAddress{}), port};
  if (!bind && !opened->dual) address.ip = IpAddress::v4(in_addr{INADDR_ANY});
  if (!set_option(fd, SOL_SOCKET, SO_REUSEPORT)) {
    return fail_errno("net: SO_REUSEPORT failed for " + to_string(address), errno);
  }
  if (ahead) {
    const bool v4 = opened->family == AF_INET;
    set_option(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_FREEBIND : IPV6_FREEBIND);
  }
  prepare(fd, opened->family);
  sockaddr_storage storage{};
  const socklen_t size = address.to_sockaddr(
      storage, opened->dual ? SocketAddress::Form::kMapped : SocketAddress::Form::kNative);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
    return fail_errno("net: cannot listen on " + to_string(address) +
                          " (another process may own the port; ports below 1024 need "
                          "CAP_NET_BIND_SERVICE)",
                      errno);
  }
  return std::move(opened->fd);
}

}  // namespace sluice::net
