// SPDX-License-Identifier: Apache-2.0
// Tokens of HTTP (RFC 9110 5.6.2): names of fields and methods. Used by the translators of routes. Thread: any. Pure.
#pragma once
#include <algorithm>
#include <string_view>

namespace sluice::config {

[[nodiscard]] inline bool is_token(std::string_view name) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [=](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

}  // namespace sluice::config
