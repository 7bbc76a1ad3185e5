// SPDX-License-Identifier: Apache-2.0
// The part of socket.hpp that needs <linux/tcp.h>, which cannot be included beside <netinet/tcp.h>.
#include <linux/tcp.h>

#include <cstddef>

#include "agent/net/socket.hpp"

namespace sluice::net {

std::optional<std::uint64_t> acked_bytes(int fd) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  if (size < offsetof(tcp_info, tcpi_bytes_acked) + sizeof(info.tcpi_bytes_acked))
    return std::nullopt;
  // A connection that this end opened counts its own SYN.
  return info.tcpi_bytes_acked == 0 ? 0 : info.tcpi_bytes_acked - 1;
}

}  // namespace sluice::net
