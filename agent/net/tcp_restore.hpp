// SPDX-License-Identifier: Apache-2.0
// TcpRestore: a TCP socket made from numbers (TCP_REPAIR, Linux 3.5, CAP_NET_ADMIN; CAP_NET_BIND_SERVICE for ports
// below 1024), for a connection whose wire somebody else has carried meanwhile. Until go_live() it says nothing:
// closing it, also by the death of the process, leaves no trace.
// Callers: steer. Thread: any; nothing blocks.
#pragma once
#include <cstdint>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/base/ip_address.hpp"
#include "agent/base/unique_fd.hpp"

namespace sluice::net {

// An established connection at a moment when all that was sent has been acknowledged, but for what the owner has taken
// off the wire (next_receive - acknowledged bytes).
struct TcpImage {
  SocketAddress local;
  SocketAddress remote;
  std::uint32_t next_send = 0;
  std::uint32_t next_receive = 0;
  std::uint32_t acknowledged = 0;    // up to where the remote knows that its bytes arrived
  std::uint32_t window_send = 0;     // bytes that the remote lets us send behind next_send
  std::uint32_t window_receive = 0;  // that it was told it may send behind `acknowledged`
  std::uint16_t mss = 0;             // largest payload that the remote takes in a segment
  std::uint8_t wscale_send =
      0;  // scale of the windows that the remote announces; 0 also without scaling
  std::uint8_t wscale_receive = 0;  // of those that it is told
  bool has_sack = false;
};

// Established, non-blocking, silent (in repair mode). Fails with the errno of the step that did not work: mostly
// EADDRNOTAVAIL (another socket has the addresses) or EPERM.
[[nodiscard]] Result<UniqueFd> restore_tcp(const TcpImage& image);

// Puts bytes that the remote sent behind what was received so far into the socket's receive queue. The socket must be
// silent, and nothing of the connection may reach it from the wire meanwhile: bytes that come both ways count twice.
[[nodiscard]] bool append_received(int fd, std::string_view bytes);

// From here on it is a socket like any other. No packet is sent by that.
[[nodiscard]] bool go_live(int fd);

}  // namespace sluice::net
