// SPDX-License-Identifier: Apache-2.0
// Packets for the BPF tests: a description, and its bytes on an Ethernet. Addresses are of the documentation ranges.
// Thread: any. Plain values.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/base/ip_address.hpp"

namespace sluice::test {

using Bytes = std::vector<std::uint8_t>;

enum TcpFlag : std::uint16_t {
  kFin = 0x01,
  kSyn = 0x02,
  kRst = 0x04,
  kPsh = 0x08,
  kAck = 0x10,
  kEce = 0x40,
  kCwr = 0x80,
  kAe = 0x100,
};

// Every member has an initializer, so that tests name only what matters to them.
struct Packet {
  SocketAddress from{};
  SocketAddress to{};
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  std::uint16_t flags = kAck;
  std::uint16_t window = 500;
  Bytes options{};  // of TCP; filled up to a multiple of four by the encoder
  std::string payload{};
  Bytes ip_options{};          // IPv4 only, a multiple of four
  std::uint16_t fragment = 0;  // the IPv4 header's flags and offset
  std::size_t padding = 0;     // bytes behind the packet, as Ethernet adds to short ones
};

[[nodiscard]] Bytes encode(const Packet& packet);
// nullopt for what is not TCP in IP on Ethernet.
[[nodiscard]] std::optional<Packet> decode(std::span<const std::uint8_t> bytes);
// By summing up the whole packet, not incrementally: IPv4 header and TCP with its pseudo header (RFC 1071).
[[nodiscard]] bool checksums_are_right(std::span<const std::uint8_t> bytes);

[[nodiscard]] Bytes option_mss(std::uint16_t mss);
[[nodiscard]] Bytes option_timestamp();
[[nodiscard]] Bytes option_wscale(std::uint8_t shift);
[[nodiscard]] Bytes option_sack(const std::vector<std::uint32_t>& edges);
[[nodiscard]] Bytes operator+(Bytes left, const Bytes& right);
[[nodiscard]] SocketAddress at(std::string_view text);  // "192.0.2.1:80", "[2001:db8::1]:80"

}  // namespace sluice::test
