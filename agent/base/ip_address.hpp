// SPDX-License-Identifier: Apache-2.0
// IpAddress, SocketAddress: one 16-byte form for both families (IPv4 as ::ffff:a.b.c.d, RFC 4291 2.5.5.2), the same
// bytes that bpf/abi uses as map keys. Plain values. Thread: any.
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};  // all zero = unspecified ("any")

  auto operator<=>(const IpAddress&) const = default;
  [[nodiscard]] bool is_v4() const;
  [[nodiscard]] bool is_unspecified() const;  // :: or 0.0.0.0
  [[nodiscard]] bool is_loopback() const;

  static IpAddress v4(in_addr address);
  static IpAddress v6(const in6_addr& address);
  // Dotted IPv4 or textual IPv6, without brackets, zone or port. nullopt when it is neither.
  static std::optional<IpAddress> parse(std::string_view text);
};

struct SocketAddress {
  IpAddress ip;
  std::uint16_t port = 0;  // host order

  auto operator<=>(const SocketAddress&) const = default;

  // The sockaddr of the address's own family. AF_INET sockets need kNative, dual-stack AF_INET6 sockets kMapped.
  enum class Form { kNative, kMapped };
  [[nodiscard]] socklen_t to_sockaddr(sockaddr_storage& out, Form form = Form::kNative) const;
  // AF_INET, AF_INET6 (mapped addresses become IPv4); anything else gives an unspecified address.
  static SocketAddress from_sockaddr(const sockaddr_storage& in);
  // "1.2.3.4:80" or "[::1]:80".
  static std::optional<SocketAddress> parse(std::string_view text);
};

// A block of addresses: "10.0.0.0/8", "fd00::/8", or one address. Bits beyond `bits` are zero. `bits` counts in the
// 16-byte form: 10.0.0.0/8 has 104.
struct IpPrefix {
  IpAddress address;
  std::uint8_t bits = 0;

  auto operator<=>(const IpPrefix&) const = default;
  [[nodiscard]] bool contains(const IpAddress& other) const;
  static std::optional<IpPrefix> parse(std::string_view text);
};

[[nodiscard]] std::string to_string(const IpPrefix& prefix);
[[nodiscard]] std::string to_string(const IpAddress& address);
[[nodiscard]] std::string to_string(const SocketAddress& address);

struct IpAddressHash {
  std::size_t operator()(const IpAddress& address) const {
    return std::hash<std::string_view>{}(
        {reinterpret_cast<const char*>(address.bytes.data()), address.bytes.size()});
  }
};
struct SocketAddressHash {
  std::size_t operator()(const SocketAddress& address) const {
    return IpAddressHash{}(address.ip) * 31 + address.port;
  }
};

}  // namespace sluice
