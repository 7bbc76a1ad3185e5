// SPDX-License-Identifier: Apache-2.0
#include "tests/bpf/packet.hpp"

#include <algorithm>
#include <cstdlib>

namespace sluice::test {
namespace {

constexpr std::size_t kEthernet = 14;
constexpr std::size_t kTcp = 20;

void put16(Bytes& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

void put32(Bytes& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}

std::uint32_t get16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at] << 8 | bytes[at + 1]);
}

std::uint32_t get32(std::span<const std::uint8_t> bytes, std::size_t at) {
  return get16(bytes, at) << 16 | get16(bytes, at + 2);
}

void set16(Bytes& out, std::size_t at, std::uint32_t value) {
  out[at] = static_cast<std::uint8_t>(value >> 8);
  out[at + 1] = static_cast<std::uint8_t>(value);
}

std::uint64_t sum_of(std::span<const std::uint8_t> bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    sum += i % 2 == 0 ? std::uint64_t{bytes[i]} << 8 : bytes[i];
  return sum;
}

std::uint32_t folded(std::uint64_t sum) {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint32_t>(sum);
}

struct Layout {
  bool v4 = false;
  std::size_t ip = kEthernet;
  std::size_t tcp = 0;
  std::size_t end = 0;
};

std::optional<Layout> layout_of(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kEthernet + 40) return std::nullopt;
  Layout layout;
  layout.v4 = get16(bytes, 12) == 0x0800;
  if (!layout.v4 && get16(bytes, 12) != 0x86dd) return std::nullopt;
  layout.tcp = layout.ip + (layout.v4 ? (bytes[layout.ip] & 15U) * 4 : 40);
  if (layout.tcp < layout.ip + 20) return std::nullopt;
  layout.end = layout.v4 ? layout.ip + get16(bytes, layout.ip + 2)
                         : layout.tcp + get16(bytes, layout.ip + 4);
  if (layout.end > bytes.size() || layout.tcp + kTcp > layout.end) return std::nullopt;
  return layout;
}

std::uint64_t pseudo_sum(std::span<const std::uint8_t> bytes, const Layout& layout) {
  const auto addresses =
      layout.v4 ? bytes.subspan(layout.ip + 12, 8) : bytes.subspan(layout.ip + 8, 32);
  return sum_of(addresses) + 6 + (layout.end - layout.tcp);
}

void put_address(Bytes& out, const IpAddress& address) {
  out.insert(out.end(), address.bytes.begin() + (address.is_v4() ? 12 : 0), address.bytes.end());
}

void put_ip(Bytes& out, const Packet& packet, std::size_t segment) {
  if (packet.from.ip.is_v4()) {
    const std::size_t header = 20 + packet.ip_options.size();
    out.push_back(static_cast<std::uint8_t>(0x40 | header / 4));
    out.push_back(0);
    put16(out, header + segment);
    put16(out, 0x1234);
    put16(out, packet.fragment);
    out.push_back(61);
    out.push_back(6);
    put16(out, 0);
  } else {
    put32(out, 0x60000000);
    put16(out, segment);
    out.push_back(6);
    out.push_back(61);
  }
  put_address(out, packet.from.ip);
  put_address(out, packet.to.ip);
  out.insert(out.end(), packet.ip_options.begin(), packet.ip_options.end());
}

IpAddress get_address(std::span<const std::uint8_t> bytes, std::size_t at, bool v4) {
  IpAddress address;
  if (v4) address.bytes[10] = address.bytes[11] = 0xff;
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), v4 ? 4 : 16,
              address.bytes.begin() + (v4 ? 12 : 0));
  return address;
}

}  // namespace

Bytes encode(const Packet& packet) {
  Bytes options = packet.options;
  while (options.size() % 4 != 0) options.push_back(1);
  Bytes out{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
  put16(out, packet.from.ip.is_v4() ? 0x0800 : 0x86dd);
  put_ip(out, packet, kTcp + options.size() + packet.payload.size());
  const std::size_t tcp = out.size();
  put16(out, packet.from.port);
  put16(out, packet.to.port);
  put32(out, packet.seq);
  put32(out, packet.ack);
  put16(out, (kTcp + options.size()) / 4 << 12 | packet.flags);
  put16(out, packet.window);
  put32(out, 0);
  out.insert(out.end(), options.begin(), options.end());
  out.insert(out.end(), packet.payload.begin(), packet.payload.end());
  const Layout layout = *layout_of(out);
  if (layout.v4) {
    const auto header = std::span(out).subspan(layout.ip, tcp - layout.ip);
    set16(out, layout.ip + 10, ~folded(sum_of(header)) & 0xffff);
  }
  set16(out, tcp + 16,
        ~folded(pseudo_sum(out, layout) + sum_of(std::span(out).subspan(tcp))) & 0xffff);
  out.resize(out.size() + packet.padding, 0xee);
  return out;
}

std::optional<Packet> decode(std::span<const std::uint8_t> bytes) {
  const auto layout = layout_of(bytes);
  if (!layout) return std::nullopt;
  Packet packet;
  const std::size_t tcp = layout->tcp;
  packet.from.ip = get_address(bytes, layout->ip + (layout->v4 ? 12 : 8), layout->v4);
  packet.to.ip = get_address(bytes, layout->ip + (layout->v4 ? 16 : 24), layout->v4);
  packet.from.port = static_cast<std::uint16_t>(get16(bytes, tcp));
  packet.to.port = static_cast<std::uint16_t>(get16(bytes, tcp + 2));
  packet.seq = get32(bytes, tcp + 4);
  packet.ack = get32(bytes, tcp + 8);
  packet.flags = static_cast<std::uint16_t>(get16(bytes, tcp + 12) & 0x1ff);
  packet.window = static_cast<std::uint16_t>(get16(bytes, tcp + 14));
  const std::size_t data = tcp + (bytes[tcp + 12] >> 4) * 4U;
  if (data < tcp + kTcp || data > layout->end) return std::nullopt;
  const auto begin = bytes.begin();
  const auto iterator = [&](std::size_t offset) {
    return begin + static_cast<std::ptrdiff_t>(offset);
  };
  packet.options.assign(iterator(tcp + kTcp), iterator(data));
  packet.payload.assign(iterator(data), iterator(layout->end));
  packet.ip_options.assign(iterator(layout->v4 ? layout->ip + 20 : tcp), iterator(tcp));
  packet.padding = bytes.size() - layout->end;
  return packet;
}

bool checksums_are_right(std::span<const std::uint8_t> bytes) {
  const auto layout = layout_of(bytes);
  if (!layout) return false;
  if (layout->v4 && folded(sum_of(bytes.subspan(layout->ip, layout->tcp - layout->ip))) != 0xffff)
    return false;
  const auto segment = bytes.subspan(layout->tcp, layout->end - layout->tcp);
  return folded(pseudo_sum(bytes, *layout) + sum_of(segment)) == 0xffff;
}

Bytes option_mss(std::uint16_t mss) {
  Bytes out{2, 4};
  put16(out, mss);
  return out;
}

Bytes option_timestamp() { return {1, 1, 8, 10, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88}; }

Bytes option_wscale(std::uint8_t shift) { return {1, 3, 3, shift}; }

Bytes option_sack(const std::vector<std::uint32_t>& edges) {
  Bytes out{1, 1, 5, static_cast<std::uint8_t>(2 + 4 * edges.size())};
  for (const std::uint32_t edge : edges) put32(out, edge);
  return out;
}

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

SocketAddress at(std::string_view text) {
  const auto parsed = SocketAddress::parse(text);
  if (!parsed) std::abort();
  return *parsed;
}

}  // namespace sluice::test
