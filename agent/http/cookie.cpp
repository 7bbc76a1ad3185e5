// SPDX-License-Identifier: Apache-2.0
#include "agent/http/cookie.hpp"

#include "agent/base/text.hpp"

namespace sluice::http {
namespace {

std::string_view unquoted(std::string_view value) {
  const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return quoted ? value.substr(1, value.size() - 2) : value;
}

std::optional<std::string_view> find(std::string_view pairs, std::string_view name) {
  while (!pairs.empty()) {
    const std::size_t end = pairs.find(';');
    const std::string_view pair = trim(pairs.substr(0, end));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && trim(pair.substr(0, equals)) == name) {
      return unquoted(trim(pair.substr(equals + 1)));
    }
    if (end == std::string_view::npos) break;
    pairs.remove_prefix(end + 1);
  }
  return std::nullopt;
}

void append_clean(std::string_view text, std::string& out) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f && c != ';') out.push_back(c);
  }
}

}  // namespace

std::optional<std::string_view> cookie(const HeaderMap& headers, std::string_view name) {
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const HeaderMap::Field field = headers.at(i);
    if (!equals_ignore_case(field.name, "Cookie")) continue;
    if (const auto value = find(field.value, name)) return value;
  }
  return std::nullopt;
}

void append_set_cookie(const SetCookie& cookie, std::string& out) {
  append_clean(cookie.name, out);
  out.push_back('=');
  append_clean(cookie.value, out);
  if (cookie.max_age.count() > 0) {
    out.append("; Max-Age=").append(std::to_string(cookie.max_age.count()));
  }
  if (!cookie.path.empty()) {
    out.append("; Path=");
    append_clean(cookie.path, out);
  }
  bool http_only = false;
  for (const auto& [name, value] : cookie.attributes) {
    http_only |= equals_ignore_case(name, "HttpOnly");
    out.append("; ");
    append_clean(name, out);
    if (value.empty()) continue;
    out.push_back('=');
    append_clean(value, out);
  }
  if (!http_only) out.append("; HttpOnly");
}

}  // namespace sluice::http
