// SPDX-License-Identifier: Apache-2.0
#include "agent/base/ip_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace sluice {
namespace {

constexpr std::array<std::uint8_t, 12> kV4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return port;
}

}  // namespace

bool IpAddress::is_v4() const {
  return std::equal(kV4Prefix.begin(), kV4Prefix.end(), bytes.begin());
}

bool IpAddress::is_unspecified() const {
  const auto from = is_v4() ? bytes.begin() + 12 : bytes.begin();
  return std::all_of(from, bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes[12] == 127;
  return bytes[15] == 1 &&
         std::all_of(bytes.begin(), bytes.end() - 1, [](std::uint8_t byte) { return byte == 0; });
}

IpAddress IpAddress::v4(in_addr address) {
  IpAddress out;
  std::copy(kV4Prefix.begin(), kV4Prefix.end(), out.bytes.begin());
  std::memcpy(out.bytes.data() + 12, &address.s_addr, 4);
  return out;
}

IpAddress IpAddress::v6(const in6_addr& address) {
  IpAddress out;
  std::memcpy(out.bytes.data(), &address, 16);
  return out;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  char buffer[INET6_ADDRSTRLEN + 1];
  if (text.empty() || text.size() >= sizeof buffer) return std::nullopt;
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  if (in_addr four{}; ::inet_pton(AF_INET, buffer, &four) == 1) return v4(four);
  if (in6_addr six{}; ::inet_pton(AF_INET6, buffer, &six) == 1) return v6(six);
  return std::nullopt;
}

socklen_t SocketAddress::to_sockaddr(sockaddr_storage& out, Form form) const {
  out = {};
  if (ip.is_v4() && form == Form::kNative) {
    auto* four = reinterpret_cast<sockaddr_in*>(&out);
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    std::memcpy(&four->sin_addr, ip.bytes.data() + 12, 4);
    return sizeof *four;
  }
  auto* six = reinterpret_cast<sockaddr_in6*>(&out);
  six->sin6_family = AF_INET6;
  six->sin6_port = htons(port);
  std::memcpy(&six->sin6_addr, ip.bytes.data(), 16);
  return sizeof *six;
}

SocketAddress SocketAddress::from_sockaddr(const sockaddr_storage& in) {
  if (in.ss_family == AF_INET) {
    const auto* four = reinterpret_cast<const sockaddr_in*>(&in);
    return {IpAddress::v4(four->sin_addr), ntohs(four->sin_port)};
  }
  if (in.ss_family == AF_INET6) {
    const auto* six = reinterpret_cast<const sockaddr_in6*>(&in);
    return {IpAddress::v6(six->sin6_addr), ntohs(six->sin6_port)};
  }
  return {};
}

std::optional<SocketAddress> SocketAddress::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;  // an IPv6 address needs its brackets
  }
  const auto ip = IpAddress::parse(host);
  const auto port = parse_port(text.substr(colon + 1));
  if (!ip || !port) return std::nullopt;
  return SocketAddress{*ip, *port};
}

bool IpPrefix::contains(const IpAddress& other) const {
  const std::size_t whole = bits / 8U;
  if (!std::equal(address.bytes.begin(), address.bytes.begin() + whole, other.bytes.begin())) {
    return false;
  }
  const unsigned rest = bits % 8U;
  if (rest == 0) return true;
  return ((address.bytes[whole] ^ other.bytes[whole]) >> (8U - rest)) == 0;
}

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto ip = IpAddress::parse(text.substr(0, slash));
  if (!ip) return std::nullopt;
  const unsigned family_bits = ip->is_v4() ? 32 : 128;
  unsigned bits = family_bits;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc() || end != digits.data() + digits.size() || bits > family_bits) {
      return std::nullopt;
    }
  }
  IpPrefix out{*ip, static_cast<std::uint8_t>(bits + 128 - family_bits)};
  for (unsigned bit = out.bits; bit < 128; ++bit) {
    out.address.bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
  }
  return out;
}

std::string to_string(const IpPrefix& prefix) {
  const unsigned bits = prefix.bits - (prefix.address.is_v4() && prefix.bits >= 96 ? 96U : 0U);
  return to_string(prefix.address) + "/" + std::to_string(bits);
}

std::string to_string(const IpAddress& address) {
  char buffer[INET6_ADDRSTRLEN];
  if (address.is_v4()) {
    ::inet_ntop(AF_INET, address.bytes.data() + 12, buffer, sizeof buffer);
  } else {
    ::inet_ntop(AF_INET6, address.bytes.data(), buffer, sizeof buffer);
  }
  return buffer;
}

std::string to_string(const SocketAddress& address) {
  const std::string ip = to_string(address.ip);
  return (address.ip.is_v4() ? ip : "[" + ip + "]") + ":" + std::to_string(address.port);
}

}  // namespace sluice
