// SPDX-License-Identifier: Apache-2.0
// Datagrams: UDP sockets for clients and for endpoints, with the local address of each datagram, so that an answer
// leaves from the address that was asked. All sockets are non-blocking and close-on-exec. Callers: proxy, app.
// Thread: any.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/base/ip_address.hpp"
#include "agent/base/unique_fd.hpp"

namespace sluice::net {

inline constexpr std::size_t kLargestDatagram = 65'535;

// A socket that clients send to, with SO_REUSEPORT. `bind` unset: dual stack on every address, or AF_INET where the
// host has no IPv6; an address that is not (yet) one of this host is fine. Port 0 lets the kernel choose.
[[nodiscard]] Result<UniqueFd> bind_udp(std::optional<IpAddress> bind, std::uint16_t port);

// A socket that exchanges datagrams with `remote` alone. Errors that ICMP brings come back from receive() and send().
[[nodiscard]] Result<UniqueFd> connect_udp(const SocketAddress& remote);

struct Datagram {
  SocketAddress peer;
  IpAddress local;  // where it was sent to; unspecified for a connected socket
  std::string_view payload;
};

// The next datagram, in `buffer`, which should hold kLargestDatagram. nullopt: none waits, or errno says why.
[[nodiscard]] std::optional<Datagram> receive_datagram(int fd, std::span<char> buffer);

// To the peer of a socket of connect_udp(). False: it was dropped; errno says why.
bool send_datagram(int fd, std::string_view payload);
// By a socket of bind_udp(), from one of this host's addresses.
bool send_datagram(int fd, std::string_view payload, const IpAddress& from,
                   const SocketAddress& to);

}  // namespace sluice::net
