// SPDX-License-Identifier: Apache-2.0
// PROXY protocol, versions 1 and 2: the header that a proxy sends ahead of a connection to say whose it is.
// Callers: proxy (both directions), the fuzzer. Thread: any. Pure: bytes in, a verdict out; nothing is allocated.
// Invariants: at most kMaxProxyHeader bytes are ever asked for; a header is told from its absence by the first byte
// that differs.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/ip_address.hpp"

namespace sluice::net {

// Version 1 ends within 107 bytes; version 2 may say 65,551, which nobody sends: addresses take at most 216 bytes and
// the rest are TLVs, of which a client certificate's are the longest.
inline constexpr std::size_t kMaxProxyHeader = 4096;

struct ProxyAddresses {
  SocketAddress source;
  SocketAddress destination;
  bool operator==(const ProxyAddresses&) const = default;
};

struct ProxyHeader {
  std::uint8_t version = 0;  // 1 or 2
  // Whose connection it is. None: the connection's own addresses count (UNKNOWN, LOCAL, UNSPEC, UNIX sockets).
  std::optional<ProxyAddresses> addresses;
};

struct ProxyParse {
  enum class State : std::uint8_t {
    kNeedMore,  // what is there may begin a header
    kAbsent,    // it begins no header
    kHeader,    // `header` took the first `consumed` bytes
    kInvalid,   // it begins like one and is none: `reason`, one word
  };
  State state = State::kNeedMore;
  std::size_t consumed = 0;
  ProxyHeader header{};
  const char* reason = "";
};

// `bytes`: everything received so far, from the connection's first byte on. Give all of it again when more has come.
// A checksum TLV (CRC-32C) is verified; all other TLVs are only held against the header's length.
[[nodiscard]] ProxyParse parse_proxy_header(std::string_view bytes);

// Appends a header. Version 2 without checksum; mixed families are written as IPv6 (v4-mapped). Without addresses:
// UNKNOWN or LOCAL, for connections that the sender made by itself.
void write_proxy_header(std::uint8_t version, const std::optional<ProxyAddresses>& addresses,
                        std::string& out);

// CRC-32C (Castagnoli), as RFC 3720 B.4 gives its examples.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

}  // namespace sluice::net
