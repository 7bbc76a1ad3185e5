// SPDX-License-Identifier: Apache-2.0
// Socket helpers: the few option and address calls that listeners, proxies and steering share. All
// sockets are non-blocking and close-on-exec. Callers: proxy, steer, health, app. Thread: any.
#pragma once
#include <cstdint>
#include <optional>

#include "agent/base/clock.hpp"
#include "agent/base/error.hpp"
#include "agent/base/ip_address.hpp"
#include "agent/base/unique_fd.hpp"

namespace sluice::net {

// A listening TCP socket with SO_REUSEPORT and TCP_NODELAY (which its children inherit). `bind`
// unset: dual stack on every address, or AF_INET where the host has no IPv6. Port 0 lets the kernel
// choose. `ahead`: also where this host does not have the address (yet), as in a cluster whose nodes take turns.
[[nodiscard]] Result<UniqueFd> listen_tcp(std::optional<IpAddress> bind, std::uint16_t port,
                                          bool ahead = false);

// Starts a connection (TCP_NODELAY); it may still be in progress on return. Errors that connect(2)
// reports at once, such as ENETUNREACH, fail here.
[[nodiscard]] Result<UniqueFd> connect_tcp(const SocketAddress& remote);

// SO_ERROR, cleared by reading: 0 once a started connection is established.
[[nodiscard]] int pending_error(int fd);

// Whether the handshake of a started connection is over (and the connection has not failed since).
[[nodiscard]] bool is_connected(int fd);

// Bytes that the peer's kernel has acknowledged since the connection began (RFC 4898
// tcpEStatsAppHCThruOctetsAcked); nullopt when the socket cannot tell.
[[nodiscard]] std::optional<std::uint64_t> acked_bytes(int fd);

[[nodiscard]] SocketAddress local_address(int fd);
[[nodiscard]] SocketAddress peer_address(int fd);

// Probes of an idle connection, so that a peer that is gone is noticed. Unset: the kernel's defaults
// (net.ipv4.tcp_keepalive_*). Times are rounded up to seconds.
struct KeepAlive {
  std::optional<std::uint32_t> probes;
  std::optional<Milliseconds> time;  // without a packet until the first probe
  std::optional<Milliseconds> interval;
};
void keep_alive(int fd, const KeepAlive& settings);

// A listening socket wakes its owner only when a client has sent something (TCP_DEFER_ACCEPT): one wake and one failed
// read fewer for each connection. Who connects and waits is accepted after a second. For protocols in which the client
// speaks first.
void accept_with_data(int fd, bool on = true);

// close() will send an RST instead of a FIN: the peer must not take what it has as complete.
// `on` false: as it was.
void reset_on_close(int fd, bool on = true);

}  // namespace sluice::net
