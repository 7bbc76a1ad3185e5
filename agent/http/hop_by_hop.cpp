// SPDX-License-Identifier: Apache-2.0
// strip_hop_by_hop of h1_codec.hpp (RFC 9110 7.6.1). Thread: any.
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
      return equals_ignore_case(name, "Upgrade") || equals_ignore_case(name, "Trailer");
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

// A client that could name these in Connection would hide itself from, or redirect, what stands
// behind. The framing fields stay to mark their place: their values are written anew.
bool is_protected(std::string_view name) {
  constexpr std::string_view kPrefix = "X-Forwarded-";
  return equals_ignore_case(name, "Host") || equals_ignore_case(name, "Content-Length") ||
         equals_ignore_case(name, "Transfer-Encoding") ||
         equals_ignore_case(name.substr(0, kPrefix.size()), kPrefix);
}

// An option of a Connection field that names another field: most say close or keep-alive.
bool names_a_field(std::string_view option) {
  return !option.empty() && !equals_ignore_case(option, "close") &&
         !equals_ignore_case(option, "keep-alive") && !is_protected(option);
}

}  // namespace

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
      if (is_protected(field.name)) return false;
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
