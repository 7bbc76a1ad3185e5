// SPDX-License-Identifier: Apache-2.0
// IcmpMessage: "packet too big" as a router sends it, for the BPF tests: a description, and its bytes on an Ethernet.
// Thread: any. Plain values.
#pragma once
#include <optional>

#include "tests/bpf/packet.hpp"

namespace sluice::test {

struct IcmpMessage {
  IpAddress from{};
  IpAddress to{};
  std::uint8_t type = 0;  // 0: the one that says "too big"
  std::uint8_t code = 0;
  std::uint16_t mtu = 1300;
  Packet about{};          // the packet that it quotes ...
  std::size_t quoted = 8;  // ... with so many bytes of its TCP segment
  Bytes ip_options{};      // IPv4 only, a multiple of four
};

[[nodiscard]] Bytes encode(const IcmpMessage& message);
// With `about` as far as ports and sequence number; nullopt for what is none, or has a wrong checksum somewhere.
[[nodiscard]] std::optional<IcmpMessage> decode_icmp(std::span<const std::uint8_t> bytes);

}  // namespace sluice::test
