// SPDX-License-Identifier: Apache-2.0
#include "agent/http/authority.hpp"

#include "agent/base/ip_address.hpp"
#include "agent/http/syntax.hpp"

namespace sluice::http {
namespace {

bool is_port(std::string_view text) {
  if (text.empty() || text.size() > 5 || span_of(text, kDigitChar) != text.size()) return false;
  unsigned value = 0;
  for (const char c : text) value = value * 10 + static_cast<unsigned>(c - '0');
  return value >= 1 && value <= 65535;
}

bool is_ipv6(std::string_view text) {
  // 45: the longest textual form (RFC 4291 2.2). The parser below takes IPv4 too, which brackets
  // may not hold.
  return text.size() <= 45 && text.find(':') != std::string_view::npos &&
         IpAddress::parse(text).has_value();
}

}  // namespace

bool is_authority(std::string_view text, Port port) {
  std::size_t host_end = 0;
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || !is_ipv6(text.substr(1, close - 1))) return false;
    host_end = close + 1;
  } else {
    host_end = span_of(text, kHostChar);
    if (host_end == 0) return false;
  }
  if (host_end == text.size()) return port == Port::kOptional;
  return text[host_end] == ':' && is_port(text.substr(host_end + 1));
}

}  // namespace sluice::http
