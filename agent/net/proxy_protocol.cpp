// SPDX-License-Identifier: Apache-2.0
#include "agent/net/proxy_protocol.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace sluice::net {
namespace {

using namespace std::string_view_literals;
using State = ProxyParse::State;

constexpr std::string_view kText = "PROXY "sv;
constexpr std::size_t kMaxText = 107;  // of version 1, with its CRLF
constexpr std::string_view kSignature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t kFixed = 16;  // signature, version and command, family, length
constexpr std::uint8_t kTypeCrc32c = 0x03;
constexpr std::size_t kUnixAddresses = 216;

ProxyParse invalid(const char* reason) {
  return {.state = State::kInvalid, .consumed = 0, .header = {}, .reason = reason};
}

ProxyParse done(std::size_t consumed, std::uint8_t version,
                std::optional<ProxyAddresses> addresses = {}) {
  return {.state = State::kHeader,
          .consumed = consumed,
          .header = {.version = version, .addresses = addresses},
          .reason = ""};
}

// Decimal without leading zeros, as the specification wants, so that nobody reads it as octal.
std::optional<std::uint16_t> parse_port(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

std::string_view take_word(std::string_view& line) {
  const std::size_t space = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(std::min(space + 1, line.size()));
  return word;
}

std::optional<IpAddress> parse_address(std::string_view text, bool v4) {
  // TCP4 has dots and no colons; a mapped address is written with colons and belongs to TCP6.
  if ((text.find(':') == std::string_view::npos) != v4) return std::nullopt;
  return IpAddress::parse(text);
}

ProxyParse parse_text(std::string_view bytes) {
  const std::string_view bounded = bytes.substr(0, kMaxText);
  const std::size_t newline = bounded.find('\n');
  if (newline == std::string_view::npos) {
    return bytes.size() >= kMaxText ? invalid("too_long") : ProxyParse{};
  }
  if (newline == 0 || bounded[newline - 1] != '\r') return invalid("bare_newline");
  std::string_view line = bounded.substr(0, newline - 1);
  if (line.find('\r') != std::string_view::npos) return invalid("bare_return");
  if (!line.starts_with(kText)) return invalid("protocol");
  line.remove_prefix(kText.size());
  const bool last_space = line.ends_with(' ');
  const std::string_view protocol = take_word(line);
  // The rest of the line is to be ignored.
  if (protocol == "UNKNOWN"sv) return done(newline + 1, 1);
  if (protocol != "TCP4"sv && protocol != "TCP6"sv) return invalid("protocol");
  const bool v4 = protocol == "TCP4"sv;
  const auto source = parse_address(take_word(line), v4);
  const auto destination = parse_address(take_word(line), v4);
  if (!source || !destination) return invalid("address");
  const auto source_port = parse_port(take_word(line));
  const auto destination_port = parse_port(take_word(line));
  if (!source_port || !destination_port || !line.empty() || last_space) return invalid("port");
  return done(newline + 1, 1,
              ProxyAddresses{{*source, *source_port}, {*destination, *destination_port}});
}

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::uint16_t u16_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

std::uint32_t u32_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint32_t>(u16_at(bytes, at)) << 16 | u16_at(bytes, at + 2);
}

// Over the whole header with the checksum's own four bytes taken as zero.
bool checksum_holds(std::string_view header, std::size_t value_at) {
  std::uint32_t crc = crc32c(header.substr(0, value_at));
  crc = crc32c("\0\0\0\0"sv, crc);
  return crc32c(header.substr(value_at + 4), crc) == u32_at(header, value_at);
}

// nullptr, or what is wrong with the TLVs of `header` from `at` on.
const char* check_tlvs(std::string_view header, std::size_t at) {
  bool summed = false;
  while (at < header.size()) {
    if (header.size() - at < 3) return "tlv";
    const std::uint8_t type = byte_at(header, at);
    const std::size_t length = u16_at(header, at + 1);
    at += 3;
    if (length > header.size() - at) return "tlv";
    if (type == kTypeCrc32c) {
      if (summed || length != 4 || !checksum_holds(header, at)) return "checksum";
      summed = true;
    }
    at += length;
  }
  return nullptr;
}

ProxyAddresses binary_addresses(std::string_view block, bool v4) {
  const std::size_t size = v4 ? 4 : 16;
  const auto address = [&](std::size_t at) {
    if (v4) {
      in_addr raw{};
      std::memcpy(&raw, block.data() + at, size);
      return IpAddress::v4(raw);
    }
    in6_addr raw{};
    std::memcpy(&raw, block.data() + at, size);
    return IpAddress::v6(raw);
  };
  return {{address(0), u16_at(block, 2 * size)}, {address(size), u16_at(block, 2 * size + 2)}};
}

ProxyParse parse_binary(std::string_view bytes) {
  if (bytes.size() < kFixed) {
    // The version can be refused before the rest has come.
    return bytes.size() > 12 && byte_at(bytes, 12) >> 4 != 2 ? invalid("version") : ProxyParse{};
  }
  const std::uint8_t command = byte_at(bytes, 12);
  if (command >> 4 != 2) return invalid("version");
  if ((command & 0xF) > 1) return invalid("command");
  const std::size_t total = kFixed + u16_at(bytes, 14);
  if (total > kMaxProxyHeader) return invalid("too_long");
  const std::uint8_t family = byte_at(bytes, 13);
  // A known address family, with no protocol (0), a stream (1) or datagrams (2).
  if (family >> 4 > 3 || (family & 0xF) > 2) return invalid("family");
  if (bytes.size() < total) return {};
  const std::string_view header = bytes.substr(0, total);
  const bool local = (command & 0xF) == 0;
  // LOCAL and UNSPEC: whatever follows is to be skipped unread.
  if (local || family >> 4 == 0 || (family & 0xF) == 0) return done(total, 2);
  constexpr std::array<std::size_t, 4> kSizes{0, 12, 36, kUnixAddresses};
  const std::size_t size = kSizes[family >> 4];
  if (total - kFixed < size) return invalid("length");
  if (const char* const wrong = check_tlvs(header, kFixed + size)) return invalid(wrong);
  if (family >> 4 == 3) return done(total, 2);
  return done(total, 2, binary_addresses(header.substr(kFixed, size), family >> 4 == 1));
}

// Whether `bytes` and `start` agree as far as both go.
bool may_be(std::string_view bytes, std::string_view start) {
  const std::size_t size = std::min(bytes.size(), start.size());
  return bytes.substr(0, size) == start.substr(0, size);
}

void append_u16(std::uint16_t value, std::string& out) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value & 0xFF));
}

bool both_v4(const ProxyAddresses& a) { return a.source.ip.is_v4() && a.destination.ip.is_v4(); }

// TCP6 wants colons, which the short form of a mapped address has not.
void append_address(const IpAddress& address, bool v4, std::string& out) {
  if (!v4 && address.is_v4()) out.append("::ffff:");
  out.append(to_string(address));
}

void write_text(const std::optional<ProxyAddresses>& addresses, std::string& out) {
  if (!addresses) {
    out.append("PROXY UNKNOWN\r\n");
    return;
  }
  const bool v4 = both_v4(*addresses);
  out.append(v4 ? "PROXY TCP4 " : "PROXY TCP6 ");
  append_address(addresses->source.ip, v4, out);
  out.push_back(' ');
  append_address(addresses->destination.ip, v4, out);
  out.push_back(' ');
  out.append(std::to_string(addresses->source.port));
  out.push_back(' ');
  out.append(std::to_string(addresses->destination.port));
  out.append("\r\n");
}

void write_binary(const std::optional<ProxyAddresses>& addresses, std::string& out) {
  out.append(kSignature);
  if (!addresses) {
    out.append("\x20\x00\x00\x00"sv);
    return;
  }
  const bool v4 = both_v4(*addresses);
  out.append(v4 ? "\x21\x11"sv : "\x21\x21"sv);
  append_u16(v4 ? 12 : 36, out);
  for (const SocketAddress* address : {&addresses->source, &addresses->destination}) {
    const auto& bytes = address->ip.bytes;
    const std::size_t skipped = v4 ? 12 : 0;
    out.append(reinterpret_cast<const char*>(bytes.data()) + skipped, bytes.size() - skipped);
  }
  append_u16(addresses->source.port, out);
  append_u16(addresses->destination.port, out);
}

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value >> 1) ^ ((value & 1) != 0 ? 0x82F63B78U : 0U);
    }
    table[i] = value;
  }
  return table;
}

}  // namespace

ProxyParse parse_proxy_header(std::string_view bytes) {
  if (may_be(bytes, kSignature)) return parse_binary(bytes);
  if (may_be(bytes, kText)) return parse_text(bytes);
  return {.state = State::kAbsent, .consumed = 0, .header = {}, .reason = ""};
}

void write_proxy_header(std::uint8_t version, const std::optional<ProxyAddresses>& addresses,
                        std::string& out) {
  if (version == 1) {
    write_text(addresses, out);
  } else {
    write_binary(addresses, out);
  }
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) {
  static constexpr auto kTable = make_table();
  std::uint32_t crc = ~before;
  for (const char byte : bytes) {
    crc = (crc >> 8) ^ kTable[(crc ^ static_cast<std::uint8_t>(byte)) & 0xFF];
  }
  return ~crc;
}

}  // namespace sluice::net
