// SPDX-License-Identifier: Apache-2.0
// Cookies (RFC 6265): one of a request by its name, and the Set-Cookie value that an answer carries. Called by whoever
// hashes by a cookie. Pure. Thread: any.
#pragma once
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "agent/http/header_map.hpp"

namespace sluice::http {

// The value of the first cookie of that name, in whichever Cookie field it is (RFC 6265 5.4 has one, HTTP/2 may split
// it); names compare with case. Double quotes around the value are left out. A view into `headers`.
[[nodiscard]] std::optional<std::string_view> cookie(const HeaderMap& headers,
                                                     std::string_view name);

struct SetCookie {
  std::string_view name;
  std::string_view value;           // cookie-octets, RFC 6265 4.1.1
  std::chrono::seconds max_age{0};  // 0: a session cookie, without Max-Age
  std::string_view path;            // empty: no Path
  // As {"SameSite", "Strict"} or {"Secure", ""}; HttpOnly is always written.
  std::span<const std::pair<std::string, std::string>> attributes;
};
// Appends `name=value; Max-Age=3600; Path=/; SameSite=Strict; HttpOnly`. What would end the field or the attribute
// (a control character, ';') is left out of names and values: they are configuration.
void append_set_cookie(const SetCookie& cookie, std::string& out);

}  // namespace sluice::http
