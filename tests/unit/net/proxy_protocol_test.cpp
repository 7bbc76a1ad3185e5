// SPDX-License-Identifier: Apache-2.0
// The PROXY protocol, rule by rule from its public specification (versions 1 and 2).
#include "agent/net/proxy_protocol.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::net {
namespace {

using namespace std::string_literals;
using State = ProxyParse::State;

SocketAddress at(const char* text) { return *SocketAddress::parse(text); }

// A version 2 header: its command and family bytes, then `rest` behind the length.
std::string binary(char command, char family, const std::string& rest) {
  std::string out = "\r\n\r\n\0\r\nQUIT\n"s;
  out += {command, family, static_cast<char>(rest.size() >> 8), static_cast<char>(rest.size())};
  return out + rest;
}

const std::string kV4 = "\xC0\0\2\1\xC6\x33\x64\2\x30\x39\0\x50"s;  // 192.0.2.1:12345 -> .2:80

std::string tlv(char type, const std::string& value) {
  return std::string{type, static_cast<char>(value.size() >> 8), static_cast<char>(value.size())} +
         value;
}

// `header` with a checksum TLV at its end that is right.
std::string with_checksum(const std::string& addresses) {
  std::string header = binary(0x21, 0x11, addresses + tlv(3, "\0\0\0\0"s));
  const std::uint32_t crc = crc32c(header);
  for (int i = 0; i < 4; ++i) {
    header[header.size() - 4 + static_cast<std::size_t>(i)] =
        static_cast<char>(crc >> (24 - 8 * i));
  }
  return header;
}

void expect_invalid(const std::string& bytes, const std::string& reason) {
  const ProxyParse parse = parse_proxy_header(bytes);
  EXPECT_EQ(parse.state, State::kInvalid) << bytes;
  EXPECT_EQ(parse.reason, reason) << bytes;
}

ProxyParse expect_header(const std::string& header) {
  const ProxyParse parse = parse_proxy_header(header + "GET /");
  EXPECT_EQ(parse.state, State::kHeader) << header << ": " << parse.reason;
  EXPECT_EQ(parse.consumed, header.size()) << header;
  // However it is cut, and no sooner than with its last byte.
  for (std::size_t size = 0; size < header.size(); ++size) {
    EXPECT_EQ(parse_proxy_header(std::string_view(header).substr(0, size)).state, State::kNeedMore)
        << size;
  }
  return parse;
}

TEST(ProxyProtocol, TextSaysTheAddressesOfEachFamily) {
  const auto v4 = expect_header("PROXY TCP4 192.0.2.1 198.51.100.2 12345 80\r\n");
  EXPECT_EQ(v4.header.version, 1);
  EXPECT_EQ(v4.header.addresses, (ProxyAddresses{at("192.0.2.1:12345"), at("198.51.100.2:80")}));
  const auto v6 = expect_header("PROXY TCP6 2001:db8::1 2001:db8::2 0 65535\r\n");
  EXPECT_EQ(v6.header.addresses,
            (ProxyAddresses{at("[2001:db8::1]:0"), at("[2001:db8::2]:65535")}));
}

TEST(ProxyProtocol, UnknownTextIsSkippedWhateverItSays) {
  EXPECT_FALSE(expect_header("PROXY UNKNOWN\r\n").header.addresses);
  EXPECT_FALSE(expect_header("PROXY UNKNOWN ffff::1 nonsense 1 2\r\n").header.addresses);
}

TEST(ProxyProtocol, TheLongestTextIsAccepted) {
  // 107 bytes: the worst case of the specification.
  expect_header(
      "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n");
  expect_invalid("PROXY UNKNOWN " + std::string(93, 'x'), "too_long");
  expect_invalid("PROXY UNKNOWN " + std::string(200, 'x') + "\r\n", "too_long");
}

TEST(ProxyProtocol, TextIsHeldAgainstTheGrammar) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n", "bare_newline"},
      {"PROXY TCP4 192.0.2.1 198.51.100.2 1\r2\r\n", "bare_return"},
      {"PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n", "protocol"},
      {"PROXY tcp4 192.0.2.1 198.51.100.2 1 2\r\n", "protocol"},
      {"PROXY  TCP4 192.0.2.1 198.51.100.2 1 2\r\n", "protocol"},
      {"PROXY \r\n", "protocol"},
      {"PROXY TCP4 192.0.2.1 2001:db8::2 1 2\r\n", "address"},
      {"PROXY TCP4 ::ffff:192.0.2.1 198.51.100.2 1 2\r\n", "address"},
      {"PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n", "address"},
      {"PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n", "address"},
      {"PROXY TCP4 192.0.2.1  198.51.100.2 1 2\r\n", "address"},
      {"PROXY TCP4\r\n", "address"},
      {"PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n", "port"},
      {"PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n", "port"},
      {"PROXY TCP4 192.0.2.1 198.51.100.2 1 65536\r\n", "port"},
      {"PROXY TCP4 192.0.2.1 198.51.100.2 -1 2\r\n", "port"},
      {"PROXY TCP4 192.0.2.1 198.51.100.2 +1 2\r\n", "port"},
      {"PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n", "port"},
      {"PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n", "port"},
  };
  for (const auto& [bytes, reason] : cases) expect_invalid(bytes, reason);
}

TEST(ProxyProtocol, OtherProtocolsAreKnownByTheirFirstBytes) {
  for (const char* bytes : {"GET / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n", "PROXYX", "\x16\x03\x01",
                            "\r\n\r\nGET", "proxy tcp4"}) {
    EXPECT_EQ(parse_proxy_header(bytes).state, State::kAbsent) << bytes;
  }
}

TEST(ProxyProtocol, BinarySaysTheAddressesOfEachFamily) {
  const auto v4 = expect_header(binary(0x21, 0x11, kV4));
  EXPECT_EQ(v4.header.version, 2);
  EXPECT_EQ(v4.header.addresses, (ProxyAddresses{at("192.0.2.1:12345"), at("198.51.100.2:80")}));
  const std::string v6_bytes = "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"s +
                               "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2"s + "\0\1\xff\xff"s;
  const auto v6 = expect_header(binary(0x21, 0x21, v6_bytes));
  EXPECT_EQ(v6.header.addresses,
            (ProxyAddresses{at("[2001:db8::1]:1"), at("[2001:db8::2]:65535")}));
  // Datagrams are none of ours, but the addresses are as good.
  EXPECT_TRUE(expect_header(binary(0x21, 0x12, kV4)).header.addresses);
}

TEST(ProxyProtocol, BinaryWithoutInternetAddressesKeepsTheConnectionsOwn) {
  EXPECT_FALSE(expect_header(binary(0x20, 0x00, "")).header.addresses);      // LOCAL
  EXPECT_FALSE(expect_header(binary(0x20, 0x11, kV4)).header.addresses);     // to be ignored
  EXPECT_FALSE(expect_header(binary(0x21, 0x00, "junk")).header.addresses);  // UNSPEC
  EXPECT_FALSE(expect_header(binary(0x21, 0x10, kV4)).header.addresses);     // no protocol
  EXPECT_FALSE(expect_header(binary(0x21, 0x31, std::string(216, 'u'))).header.addresses);
}

TEST(ProxyProtocol, TlvsAreSkippedAndHeldAgainstTheLength) {
  EXPECT_TRUE(
      expect_header(binary(0x21, 0x11, kV4 + tlv(4, "") + tlv('\xEA', "vpce"))).header.addresses);
  expect_invalid(binary(0x21, 0x11, kV4 + "\4"), "tlv");
  expect_invalid(binary(0x21, 0x11, kV4 + "\4\0"s), "tlv");
  expect_invalid(binary(0x21, 0x11, kV4 + "\4\0\2x"s), "tlv");
}

TEST(ProxyProtocol, AChecksumIsVerified) {
  const std::string good = with_checksum(kV4);
  EXPECT_TRUE(expect_header(good).header.addresses);
  for (std::size_t i = 16; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    // Bits of the TLV's type and length change what it is; all others break the sum.
    if (i < good.size() - 7 || i >= good.size() - 4) expect_invalid(bad, "checksum");
  }
  expect_invalid(binary(0x21, 0x11, kV4 + tlv(3, "abc")), "checksum");
  // The second makes the first one's sum wrong, and would be refused anyhow.
  expect_invalid(binary(0x21, 0x11, kV4 + tlv(3, "\0\0\0\0"s) + tlv(3, "\0\0\0\0"s)), "checksum");
}

TEST(ProxyProtocol, BinaryIsHeldAgainstTheSpecification) {
  expect_invalid(binary(0x11, 0x11, kV4), "version");
  expect_invalid("\r\n\r\n\0\r\nQUIT\n\x31"s, "version");
  expect_invalid(binary(0x22, 0x11, kV4), "command");
  expect_invalid(binary(0x21, 0x41, kV4), "family");
  expect_invalid(binary(0x21, 0x13, kV4), "family");
  expect_invalid(binary(0x21, 0x11, kV4.substr(1)), "length");
  expect_invalid(binary(0x21, 0x21, kV4), "length");
  expect_invalid(binary(0x21, 0x31, kV4), "length");
  // Refused from its length alone: nobody waits for 64 KiB.
  expect_invalid(binary(0x21, 0x11, std::string(5000, '\4')).substr(0, 16), "too_long");
}

TEST(ProxyProtocol, TheChecksumIsCrc32c) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);    // RFC 3720 B.4
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);  // RFC 3720 B.4
  EXPECT_EQ(crc32c("6789", crc32c("12345")), crc32c("123456789"));
}

TEST(ProxyProtocol, WhatIsWrittenIsRead) {
  std::string text;
  write_proxy_header(1, ProxyAddresses{at("192.0.2.1:12345"), at("198.51.100.2:80")}, text);
  EXPECT_EQ(text, "PROXY TCP4 192.0.2.1 198.51.100.2 12345 80\r\n");
  text.clear();
  write_proxy_header(2, ProxyAddresses{at("192.0.2.1:12345"), at("198.51.100.2:80")}, text);
  EXPECT_EQ(text, binary(0x21, 0x11, kV4));
  for (const std::uint8_t version : {std::uint8_t{1}, std::uint8_t{2}}) {
    for (const char* source : {"192.0.2.1:1", "[2001:db8::1]:65535"}) {
      for (const char* destination : {"192.0.2.2:80", "[2001:db8::2]:443"}) {
        const ProxyAddresses addresses{at(source), at(destination)};
        std::string header;
        write_proxy_header(version, addresses, header);
        const auto parse = expect_header(header);
        EXPECT_EQ(parse.header.addresses, addresses) << header;
        EXPECT_EQ(parse.header.version, version);
      }
    }
    std::string own;
    write_proxy_header(version, std::nullopt, own);
    EXPECT_FALSE(expect_header(own).header.addresses);
  }
}

}  // namespace
}  // namespace sluice::net
