// SPDX-License-Identifier: Apache-2.0
// The few TCP socket operations that steering needs, most through TCP_REPAIR (Linux 3.5, needs
// CAP_NET_ADMIN). Thread: any. Errors are values; none blocks.
#pragma once
#include <cstdint>
#include <optional>

#include "agent/base/unique_fd.hpp"

namespace sluice::net {

// What TCP_INFO says that a promotion must know.
struct TcpState {
  bool established = false;
  bool timestamps = false;
  bool ecn = false;
  bool has_wscale = false;
  bool has_sack = false;
  std::uint8_t wscale_send = 0;      // scale of the windows that the peer announces
  std::uint8_t wscale_receive = 0;   // scale of the windows that we announce
  std::uint32_t mss_send = 0;        // largest payload we may send in a segment
  std::uint32_t mss_advertised = 0;  // largest that the peer may send
  std::uint32_t unacked = 0;         // segments
  std::uint32_t not_sent = 0;        // bytes
  std::uint32_t cwnd = 0;            // segments
  std::uint32_t window_send = 0;     // bytes that the peer lets us send
};
[[nodiscard]] std::optional<TcpState> tcp_state(int fd);

// Bytes written to the socket that the peer has not acknowledged (SIOCOUTQ); nullopt on error.
[[nodiscard]] std::optional<std::uint32_t> unacknowledged_bytes(int fd);

// True when the socket has neither data nor an end of stream to read.
[[nodiscard]] bool nothing_to_read(int fd);

// Puts the socket in repair mode and returns rcv_wup: the sequence number up to which the peer has
// been told that its data arrived (TCP_REPAIR_WINDOW). nullopt when the kernel refuses.
[[nodiscard]] std::optional<std::uint32_t> freeze_and_acknowledged(int fd);

// Closes without a packet: repair mode makes close(2) forget the connection. Whoever owns the wire
// goes on with it.
void silent_close(UniqueFd fd);

// Closes with an RST instead of a FIN (reset_on_close).
void reset_close(UniqueFd fd);

}  // namespace sluice::net
