// SPDX-License-Identifier: Apache-2.0
#include "agent/net/tcp_restore.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace sluice::net {
namespace {

// <netinet/tcp.h> and <linux/tcp.h> exclude each other; the numbers of TCP options live in the former only.
constexpr std::uint32_t kOptionMss = 2;
constexpr std::uint32_t kOptionWindowScale = 3;
constexpr std::uint32_t kOptionSackPermitted = 4;
constexpr int kIpv6Freebind = 78;  // IPV6_FREEBIND, Linux 4.15
constexpr std::uint16_t kLeastMss =
    88;  // of TCP_MAXSEG; the most is half of a window without scale
constexpr std::uint16_t kMostMss = 32'767;
constexpr std::uint32_t kLargestField = 65'535;

bool set(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

bool set_tcp(int fd, int option, int value) { return set(fd, IPPROTO_TCP, option, value); }

// In repair mode bind() shares the port with listeners and other connections without being asked to.
bool bind_to(int fd, const SocketAddress& local) {
  // A service's address may be local by a route alone, which bind() of IPv6 does not look at.
  if (!local.ip.is_v4()) set(fd, IPPROTO_IPV6, kIpv6Freebind, 1);
  sockaddr_storage address{};
  const socklen_t size = local.to_sockaddr(address);
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0;
}

bool connect_to(int fd, const SocketAddress& remote) {
  sockaddr_storage address{};
  const socklen_t size = remote.to_sockaddr(address);
  return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0;
}

bool select_queue(int fd, int queue) { return set_tcp(fd, TCP_REPAIR_QUEUE, queue); }

bool set_queue(int fd, int queue, std::uint32_t next) {
  return select_queue(fd, queue) && set_tcp(fd, TCP_QUEUE_SEQ, static_cast<int>(next));
}

// The scale option is always set: left out, a socket would go on scaling by what it chose for its own SYN.
bool set_options(int fd, const TcpImage& image) {
  std::array<tcp_repair_opt, 3> options{};
  options[0] = {kOptionMss, image.mss};
  options[1] = {kOptionWindowScale,
                image.wscale_send | static_cast<std::uint32_t>(image.wscale_receive) << 16};
  options[2] = {kOptionSackPermitted, 0};
  const auto size = static_cast<socklen_t>((image.has_sack ? 3 : 2) * sizeof(tcp_repair_opt));
  return ::setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS, options.data(), size) == 0;
}

bool set_windows(int fd, const TcpImage& image) {
  tcp_repair_window window{};
  window.snd_wl1 = image.next_receive;
  window.snd_wnd = image.window_send;
  window.max_window = std::max(image.window_send, kLargestField);
  window.rcv_wnd = image.window_receive;
  window.rcv_wup = image.acknowledged;
  return ::setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &window, sizeof window) == 0;
}

// The segment size once before connect(), from which the socket computes, and once as an option that was agreed upon.
bool restore(int fd, const TcpImage& image) {
  return set_tcp(fd, TCP_REPAIR, 1) && bind_to(fd, image.local) &&
         set_queue(fd, TCP_SEND_QUEUE, image.next_send) &&
         set_queue(fd, TCP_RECV_QUEUE, image.next_receive) &&
         set_tcp(fd, TCP_MAXSEG, std::clamp(image.mss, kLeastMss, kMostMss)) &&
         connect_to(fd, image.remote) && set_options(fd, image) && set_windows(fd, image);
}

}  // namespace

Result<UniqueFd> restore_tcp(const TcpImage& image) {
  const int family = image.remote.ip.is_v4() ? AF_INET : AF_INET6;
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd && restore(fd.get(), image)) return fd;
  return fail_errno("net: cannot restore the connection " + to_string(image.local) + " - " +
                        to_string(image.remote),
                    errno);
}

bool append_received(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    if (!select_queue(fd, TCP_RECV_QUEUE)) return false;
    const ssize_t done = ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (done <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

bool go_live(int fd) {
  if (!set_tcp(fd, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP)) return false;
  // Leaving repair mode forbids the reuse that entering it had forced, and a listener could not be bound beside it.
  return set(fd, SOL_SOCKET, SO_REUSEADDR, 1) && set_tcp(fd, TCP_NODELAY, 1);
}

}  // namespace sluice::net
