// SPDX-License-Identifier: Apache-2.0
#include "agent/http/forwarded.hpp"

#include <algorithm>

#include "agent/base/text.hpp"
#include "agent/http/syntax.hpp"

namespace sluice::http {
namespace {

constexpr std::string_view kFor = "X-Forwarded-For";

// '_' counts as '-': gateways to applications (CGI, WSGI) make one variable of both.
bool says_as(std::string_view name, std::string_view wanted) {
  return std::ranges::equal(name, wanted, [](char a, char b) {
    const char c = a == '_' ? '-' : a;
    return (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) == b;
  });
}

// Fields in which only a proxy of ours would have a say.
bool is_claim(std::string_view name) {
  constexpr std::string_view kPrefix = "x-forwarded-";
  return name.size() > kPrefix.size() ? says_as(name.substr(0, kPrefix.size()), kPrefix)
                                      : says_as(name, "forwarded");
}

// "192.0.2.1", "2001:db8::1", and with a port as some proxies write it: "192.0.2.1:80", "[2001:db8::1]:80".
std::optional<IpAddress> parse_entry(std::string_view text) {
  if (const auto ip = IpAddress::parse(text)) return ip;
  if (const auto address = SocketAddress::parse(text)) return address->ip;
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
    return IpAddress::parse(text.substr(1, text.size() - 2));
  }
  return std::nullopt;
}

bool is_in(const IpAddress& address, const std::vector<IpPrefix>& cidrs) {
  return std::ranges::any_of(cidrs, [&](const IpPrefix& cidr) { return cidr.contains(address); });
}

// Calls visit(entry) from the last entry of the last field backwards, until it gives false.
template <typename Visit>
void each_entry_backwards(const HeaderMap& headers, Visit visit) {
  for (std::size_t i = headers.size(); i-- > 0;) {
    const HeaderMap::Field field = headers.at(i);
    if (!equals_ignore_case(field.name, kFor)) continue;
    std::string_view rest = field.value;
    while (true) {
      const std::size_t comma = rest.rfind(',');
      if (!visit(trim(comma == std::string_view::npos ? rest : rest.substr(comma + 1)))) return;
      if (comma == std::string_view::npos) break;
      rest = rest.substr(0, comma);
    }
  }
}

IpAddress by_hops(const HeaderMap& headers, const IpAddress& peer, std::uint32_t hops) {
  IpAddress client = peer;
  std::uint32_t seen = 0;
  each_entry_backwards(headers, [&](std::string_view entry) {
    if (++seen < hops) return true;
    client = parse_entry(entry).value_or(peer);
    return false;
  });
  return client;
}

IpAddress by_cidrs(const HeaderMap& headers, const IpAddress& peer,
                   const std::vector<IpPrefix>& cidrs) {
  IpAddress client = peer;
  each_entry_backwards(headers, [&](std::string_view entry) {
    const auto address = parse_entry(entry);
    if (address) client = *address;
    return address && is_in(*address, cidrs);
  });
  return client;
}

// Appends an element to the last field of that name, which is the one that counts last (RFC 9110 5.3).
void append_element(HeaderMap& headers, std::string_view name, std::string_view element) {
  std::optional<std::string> value = headers.get_joined(name);
  headers.set(name, value && !value->empty() ? value->append(", ").append(element) : element);
}

}  // namespace

bool ForwardedTrust::trusts(const IpAddress& peer) const {
  return cidrs.empty() ? hops > 0 : is_in(peer, cidrs);
}

IpAddress client_address(const HeaderMap& headers, const IpAddress& peer,
                         const ForwardedTrust& trust) {
  if (!trust.trusts(peer)) return peer;
  return trust.hops > 0 ? by_hops(headers, peer, trust.hops) : by_cidrs(headers, peer, trust.cidrs);
}

bool keeps_request_id(const HeaderMap& headers, bool trusted) {
  if (!trusted) return false;
  const auto id = headers.get("X-Request-Id");
  return id && !id->empty();
}

void set_forwarded(RequestHead& head, const ForwardedRequest& request, bool trusted) {
  HeaderMap& headers = head.headers;
  if (!keeps_request_id(headers, trusted)) headers.set("X-Request-Id", request.request_id);
  if (trusted) {
    append_element(headers, kFor, to_string(request.peer));
    if (!headers.has("X-Forwarded-Proto")) headers.add("X-Forwarded-Proto", request.scheme);
    if (!headers.has("X-Forwarded-Host")) headers.add("X-Forwarded-Host", head.authority);
    return;
  }
  headers.remove_if([](const HeaderMap::Field& field) { return is_claim(field.name); });
  headers.add(kFor, to_string(request.peer));
  headers.add("X-Forwarded-Proto", request.scheme);
  headers.add("X-Forwarded-Host", head.authority);
}

void add_via(HeaderMap& headers, std::uint8_t minor_version, std::string_view name) {
  std::string element = minor_version == 0 ? "1.0 " : "1.1 ";
  append_element(headers, "Via", element.append(name));
}

}  // namespace sluice::http
