// SPDX-License-Identifier: Apache-2.0
#include "agent/net/datagram.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "agent/net/bind.hpp"

namespace sluice::net {
namespace {

// Room for one in_pktinfo or in6_pktinfo.
using Control = std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))>;

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
  // An address may move here later, with its announcement.
  return bind_socket(SOCK_DGRAM, bind, port, bind.has_value(), [](int socket, int family) {
    if (family == AF_INET6) {
      set_option(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO);
    } else {
      set_option(socket, IPPROTO_IP, IP_PKTINFO);
    }
  });
}

Result<UniqueFd> connect_udp(const SocketAddress& remote) {
  auto fd = open_socket(remote.ip.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM);
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

// Native addresses, also by a dual-stack socket: it hands what goes to an IPv4 peer to IPv4 (udpv6_sendmsg).
bool send_datagram(int fd, std::string_view payload, const IpAddress& from,
                   const SocketAddress& to) {
  sockaddr_storage peer{};
  alignas(cmsghdr) Control control{};
  iovec part{const_cast<char*>(payload.data()), payload.size()};
  msghdr message{};
  message.msg_name = &peer;
  message.msg_namelen = to.to_sockaddr(peer);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (from.is_unspecified()) return sendmsg(fd, &message, MSG_NOSIGNAL) >= 0;  // the kernel chooses
  message.msg_control = control.data();
  if (to.ip.is_v4()) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, from.bytes.data() + 12, sizeof(info.ipi_spec_dst));
    put_info(message, IPPROTO_IP, IP_PKTINFO, info);
  } else {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, from.bytes.data(), from.bytes.size());
    put_info(message, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
  return sendmsg(fd, &message, MSG_NOSIGNAL) >= 0;
}

}  // namespace sluice::net
