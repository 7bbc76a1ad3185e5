// SPDX-License-Identifier: Apache-2.0
#include "agent/net/datagram.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "agent/net/socket.hpp"

namespace sluice::net {
namespace {

// Room for one in_pktinfo or in6_pktinfo.
using Control = std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))>;

bool set(int fd, int level, int option, int value = 1) {
  return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

Result<UniqueFd> open_udp(int family) {
  UniqueFd fd(socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("net: cannot open a UDP socket", errno);
  return fd;
}

// Of one family, or of both without `bind` where the host has IPv6.
Result<UniqueFd> open_for(const std::optional<IpAddress>& bind, bool& v6, bool& dual) {
  v6 = !bind || !bind->is_v4();
  dual = false;
  if (!v6) return open_udp(AF_INET);
  auto fd = open_udp(AF_INET6);
  if (bind) return fd;
  dual = fd && set(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (dual) return fd;
  v6 = false;
  return open_udp(AF_INET);
}

IpAddress local_of(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(part), sizeof(info));
      return IpAddress::v4(info.ipi_addr);
    }
    if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(part), sizeof(info));
      return IpAddress::v6(info.ipi6_addr);
    }
  }
  return {};
}

bool is_v6_socket(int fd) {
  int domain = AF_INET;
  socklen_t size = sizeof(domain);
  (void)getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
  return domain == AF_INET6;
}

template <typename Info>
void put_info(msghdr& message, int level, int type, const Info& info) {
  message.msg_controllen = CMSG_SPACE(sizeof(info));
  cmsghdr* const part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = level;
  part->cmsg_type = type;
  part->cmsg_len = CMSG_LEN(sizeof(info));
  std::memcpy(CMSG_DATA(part), &info, sizeof(info));
}

}  // namespace

Result<UniqueFd> bind_udp(std::optional<IpAddress> bind, std::uint16_t port) {
  bool v6 = false;
  bool dual = false;
  auto fd = open_for(bind, v6, dual);
  if (!fd) return fd;
  SocketAddress address{bind.value_or(IpAddress{}), port};
  if (!bind && !v6) address.ip = IpAddress::v4(in_addr{INADDR_ANY});
  if (bind && v6) set(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY);
  if (!set(fd->get(), SOL_SOCKET, SO_REUSEPORT)) {
    return fail_errno("net: SO_REUSEPORT failed for " + to_string(address), errno);
  }
  // An address may move here later, with its announcement.
  if (bind) set(fd->get(), v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_FREEBIND : IP_FREEBIND);
  if (v6) {
    set(fd->get(), IPPROTO_IPV6, IPV6_RECVPKTINFO);
  } else {
    set(fd->get(), IPPROTO_IP, IP_PKTINFO);
  }
  sockaddr_storage storage{};
  const socklen_t size = address.to_sockaddr(
      storage, dual ? SocketAddress::Form::kMapped : SocketAddress::Form::kNative);
  if (::bind(fd->get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
    return fail_errno("net: cannot receive datagrams on " + to_string(address), errno);
  }
  return fd;
}

Result<UniqueFd> connect_udp(const SocketAddress& remote) {
  auto fd = open_udp(remote.ip.is_v4() ? AF_INET : AF_INET6);
  if (!fd) return fd;
  sockaddr_storage storage{};
  const socklen_t size = remote.to_sockaddr(storage);
  if (connect(fd->get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
    return fail_errno("net: cannot send datagrams to " + to_string(remote), errno);
  }
  return fd;
}

std::optional<Datagram> receive_datagram(int fd, std::span<char> buffer) {
  sockaddr_storage peer{};
  alignas(cmsghdr) Control control{};
  iovec part{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_name = &peer;
  message.msg_namelen = sizeof(peer);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = recvmsg(fd, &message, 0);
  if (size < 0) return std::nullopt;
  return Datagram{SocketAddress::from_sockaddr(peer),
                  local_of(message),
                  {buffer.data(), static_cast<std::size_t>(size)}};
}

bool send_datagram(int fd, std::string_view payload) {
  return send(fd, payload.data(), payload.size(), MSG_NOSIGNAL) >= 0;
}

bool send_datagram(int fd, std::string_view payload, const IpAddress& from,
                   const SocketAddress& to) {
  const bool v6 = is_v6_socket(fd);
  sockaddr_storage peer{};
  alignas(cmsghdr) Control control{};
  iovec part{const_cast<char*>(payload.data()), payload.size()};
  msghdr message{};
  message.msg_name = &peer;
  message.msg_namelen =
      to.to_sockaddr(peer, v6 ? SocketAddress::Form::kMapped : SocketAddress::Form::kNative);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  if (from.is_unspecified()) {
    message.msg_control = nullptr;
  } else if (v6) {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, from.bytes.data(),
                from.bytes.size());  // v4-mapped where it is IPv4
    put_info(message, IPPROTO_IPV6, IPV6_PKTINFO, info);
  } else {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, from.bytes.data() + 12, sizeof(info.ipi_spec_dst));
    put_info(message, IPPROTO_IP, IP_PKTINFO, info);
  }
  return sendmsg(fd, &message, MSG_NOSIGNAL) >= 0;
}

}  // namespace sluice::net
