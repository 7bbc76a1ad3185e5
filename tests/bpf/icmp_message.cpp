// SPDX-License-Identifier: Apache-2.0
#include "tests/bpf/icmp_message.hpp"

#include <algorithm>

namespace sluice::test {
namespace {

constexpr std::size_t kEthernet = 14;
constexpr std::size_t kIcmp = 8;

std::uint32_t get16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at] << 8 | bytes[at + 1]);
}

void set16(Bytes& bytes, std::size_t at, std::size_t value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value);
}

// RFC 1071, of `seed` and these bytes.
std::uint32_t sum_of(std::span<const std::uint8_t> bytes, std::uint64_t seed = 0) {
  for (std::size_t i = 0; i < bytes.size(); ++i)
    seed += i % 2 == 0 ? std::uint64_t{bytes[i]} << 8 : bytes[i];
  while (seed > 0xffff) seed = (seed & 0xffff) + (seed >> 16);
  return static_cast<std::uint32_t>(seed);
}

// What ICMPv6 adds to its checksum.
std::uint64_t pseudo(std::span<const std::uint8_t> bytes, bool v4, std::size_t length) {
  return v4 ? 0U : sum_of(bytes.subspan(kEthernet + 8, 32)) + 58U + length;
}

Bytes address_of(const IpAddress& address) {
  return {address.bytes.begin() + (address.is_v4() ? 12 : 0), address.bytes.end()};
}

IpAddress address_at(std::span<const std::uint8_t> bytes, std::size_t at, bool v4) {
  IpAddress address;
  if (v4) address.bytes[10] = address.bytes[11] = 0xff;
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), v4 ? 4 : 16,
              address.bytes.begin() + (v4 ? 12 : 0));
  return address;
}

}  // namespace

Bytes encode(const IcmpMessage& message) {
  const bool v4 = message.from.is_v4();
  Bytes quote = encode(message.about);
  quote.erase(quote.begin(), quote.begin() + kEthernet);
  const std::size_t header = v4 ? (quote[0] & 15U) * 4 : 40;
  quote.resize(std::min(quote.size(), header + message.quoted));
  const std::size_t length = kIcmp + quote.size();
  Bytes out{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
  const std::size_t ip = 20 + message.ip_options.size();
  if (v4) {
    out = out + Bytes{8, 0, static_cast<std::uint8_t>(0x40 | ip / 4), 0xc0, 0, 0, 0, 1, 0, 0, 60, 1,
                      0, 0};
    set16(out, kEthernet + 2, ip + length);
  } else {
    out = out + Bytes{0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 58, 60};
    set16(out, kEthernet + 4, length);
  }
  out = out + address_of(message.from) + address_of(message.to) + message.ip_options;
  if (v4) set16(out, kEthernet + 10, ~sum_of(std::span(out).subspan(kEthernet)) & 0xffff);
  const std::size_t icmp = out.size();
  const bool plain = message.type == 0;
  out.push_back(plain ? (v4 ? 3 : 2) : message.type);
  out.push_back(plain && v4 ? 4 : message.code);
  out.resize(icmp + kIcmp);
  set16(out, icmp + 6, message.mtu);
  out = out + quote;
  set16(out, icmp + 2, ~sum_of(std::span(out).subspan(icmp), pseudo(out, v4, length)) & 0xffff);
  return out;
}

std::optional<IcmpMessage> decode_icmp(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kEthernet + 20) return std::nullopt;
  const bool v4 = get16(bytes, 12) == 0x0800;
  const std::size_t header = v4 ? (bytes[kEthernet] & 15U) * 4 : 40;
  const std::size_t icmp = kEthernet + header, quote = icmp + kIcmp;
  const auto message = bytes.subspan(icmp);
  if (v4 && sum_of(bytes.subspan(kEthernet, header)) != 0xffff) return std::nullopt;
  if (sum_of(message, pseudo(bytes, v4, message.size())) != 0xffff) return std::nullopt;
  const std::size_t quoted = v4 ? (bytes[quote] & 15U) * 4 : 40;
  if (v4 && sum_of(bytes.subspan(quote, quoted)) != 0xffff) return std::nullopt;
  const std::size_t tcp = quote + quoted;
  IcmpMessage out;
  out.from = address_at(bytes, kEthernet + (v4 ? 12 : 8), v4);
  out.to = address_at(bytes, kEthernet + (v4 ? 16 : 24), v4);
  out.type = bytes[icmp];
  out.code = bytes[icmp + 1];
  out.mtu = static_cast<std::uint16_t>(get16(bytes, icmp + 6));
  out.about.from = {address_at(bytes, quote + (v4 ? 12 : 8), v4),
                    static_cast<std::uint16_t>(get16(bytes, tcp))};
  out.about.to = {address_at(bytes, quote + (v4 ? 16 : 24), v4),
                  static_cast<std::uint16_t>(get16(bytes, tcp + 2))};
  out.about.seq = get16(bytes, tcp + 4) << 16 | get16(bytes, tcp + 6);
  out.quoted = bytes.size() - tcp;
  return out;
}

}  // namespace sluice::test
