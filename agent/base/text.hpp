// SPDX-License-Identifier: Apache-2.0
// Small text helpers shared by diagnostics, routing and the codecs. Pure. Thread: any.
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace sluice {

// ASCII only: HTTP tokens and DNS names are ASCII (RFC 9110 5.1, RFC 1035 2.3.3).
[[nodiscard]] bool equals_ignore_case(std::string_view a, std::string_view b);
[[nodiscard]] std::string to_lower(std::string_view text);
[[nodiscard]] std::string_view trim(std::string_view text);  // spaces and tabs

// The candidate closest to `word` by edit distance (ASCII case counts as half a difference), or "" when none is close
// enough to be what was meant. For "did you mean" in messages.
[[nodiscard]] std::string closest(std::string_view word,
                                  std::span<const std::string_view> candidates);

}  // namespace sluice
