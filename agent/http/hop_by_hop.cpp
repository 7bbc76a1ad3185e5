// SPDX-License-Identifier: Apache-2.0
// strip_hop_by_hop of h1_codec.hpp (RFC 9110 7.6.1). Thread: any.
#include "agent/http/hop_by_hop.hpp"

#include <algorithm>

#include "agent/base/text.hpp"
#include "agent/http/h1_codec.hpp"
#include "agent/http/syntax.hpp"

namespace sluice::http {
namespace {

bool is_hop_by_hop(std::string_view name) {
  switch (name.size()) {
    case 2:
      return equals_ignore_case(name, "TE");
    case 7:
      return equals_ignore_case(name, "Upgrade");
    case 10:
      return equals_ignore_case(name, "Connection") || equals_ignore_case(name, "Keep-Alive");
    case 16:
      return equals_ignore_case(name, "Proxy-Connection");
    default:
      return false;
  }
}

bool is_about_keeping(std::string_view name) {
  return name.size() == 10 || name.size() == 16;  // Connection, Keep-Alive; Proxy-Connection
}

constexpr std::string_view kForwardedPrefix = "X-Forwarded-";

bool has_forwarded_prefix(std::string_view name) {
  return equals_ignore_case(name.substr(0, kForwardedPrefix.size()), kForwardedPrefix);
}

bool is_any_of(std::string_view name, const std::string_view* begin, const std::string_view* end) {
  return std::any_of(begin, end,
                     [name](std::string_view other) { return equals_ignore_case(name, other); });
}

// An option of a Connection field that names another field: most say close or keep-alive.
bool names_a_field(std::string_view option) {
  return !option.empty() && !equals_ignore_case(option, "close") &&
         !equals_ignore_case(option, "keep-alive") && !is_protected_from_connection(option);
}

}  // namespace

// The framing fields stay to mark their place: their values are written anew.
bool is_protected_from_connection(std::string_view name) {
  constexpr std::string_view kNames[] = {"Host", "Content-Length", "Transfer-Encoding", "Forwarded",
                                         "Via"};
  return has_forwarded_prefix(name) || is_any_of(name, std::begin(kNames), std::end(kNames));
}

bool is_forbidden_trailer(std::string_view name) {
  constexpr std::string_view kNames[] = {
      // framing, and of one connection
      "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Connection", "TE",
      "Trailer", "Upgrade",
      // routing, and who sent it
      "Host", "Forwarded", "Via", "X-Request-Id", "X-Real-Ip",
      // authentication and state
      "Authorization", "Proxy-Authorization", "WWW-Authenticate", "Proxy-Authenticate",
      "Proxy-Authentication-Info", "Authentication-Info", "Cookie", "Set-Cookie",
      // what is done with the message
      "Cache-Control", "Expect", "Max-Forwards", "Pragma", "Range", "If-Match", "If-None-Match",
      "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Age", "Date", "Expires", "Location",
      "Retry-After", "Vary", "Warning",
      // how its content is read
      "Content-Encoding", "Content-Type", "Content-Range"};
  return has_forwarded_prefix(name) || is_any_of(name, std::begin(kNames), std::end(kNames));
}

bool is_lookalike(std::string_view name) {
  constexpr std::string_view kNames[] = {
      "Content-Length",   "Transfer-Encoding",  "X-Forwarded-For",    "X-Forwarded-Host",
      "X-Forwarded-Port", "X-Forwarded-Proto",  "X-Forwarded-Prefix", "X-Real-Ip",
      "X-Request-Id",     "Proxy-Authorization"};
  return std::any_of(std::begin(kNames), std::end(kNames), [name](std::string_view real) {
    if (real.size() != name.size()) return false;
    bool differs = false;
    for (std::size_t i = 0; i < real.size(); ++i) {
      if (real[i] != '-') {
        if (!equals_ignore_case(name.substr(i, 1), real.substr(i, 1))) return false;
      } else if (name[i] != '-') {
        if (has_class(name[i], kAlnumChar)) return false;
        differs = true;
      }
    }
    return differs;
  });
}

bool strip_hop_by_hop(HeaderMap& headers) {
  bool named = false;
  for (std::size_t i = 0; i < headers.size() && !named; ++i) {
    const HeaderMap::Field field = headers.at(i);
    if (!equals_ignore_case(field.name, "Connection")) continue;
    for (std::string_view rest = field.value; rest.data() != nullptr;) {
      named |= names_a_field(next_list_element(rest));
    }
  }
  // Views into `headers` stay valid while fields are dropped: the text does not move. But a
  // Connection field may be dropped before a field that it names is reached, so names are looked up
  // first.
  if (named) {
    std::string options;
    for (std::size_t i = 0; i < headers.size(); ++i) {
      const HeaderMap::Field field = headers.at(i);
      if (equals_ignore_case(field.name, "Connection")) options.append(field.value).append(",");
    }
    headers.remove_if([&options](const HeaderMap::Field& field) {
      if (is_protected_from_connection(field.name)) return false;
      for (std::string_view rest = options; rest.data() != nullptr;) {
        if (equals_ignore_case(next_list_element(rest), field.name)) return true;
      }
      return false;
    });
  }
  bool differs = named;
  headers.remove_if([&differs](const HeaderMap::Field& field) {
    if (!is_hop_by_hop(field.name)) return false;
    differs |= !is_about_keeping(field.name);
    return true;
  });
  return differs;
}

}  // namespace sluice::http
