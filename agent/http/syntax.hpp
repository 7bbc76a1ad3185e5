// SPDX-License-Identifier: Apache-2.0
// The lexical rules of HTTP (RFC 9110 5.6) as one 256-entry class table, and the field line. Called
// by the codecs, and by whoever puts a configured name or value into a message. Thread: any.
// Invariants: pure.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "agent/http/h1_reason.hpp"

namespace sluice::http {

enum CharClass : std::uint8_t {
  kTokenChar = 1,   // tchar, RFC 9110 5.6.2
  kTargetChar = 2,  // 0x21..0x7e
  kValueChar = 4,   // VCHAR, obs-text, SP, HTAB: RFC 9110 5.5
  kHostChar = 8,    // letters, digits, "-", ".", "_": reg-name without pct-encoded and sub-delims
  kDigitChar = 16,
  kUriChar =
      32,  // unreserved, sub-delims, ":" "@" "/" "?" "%": what RFC 3986 lets a path or query hold
  kPlainName = 64,  // letters, digits, "-": what nobody reads as another name
  kAlnumChar = 128,
};

namespace detail {
constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    const bool digit = c >= '0' && c <= '9';
    const bool alnum = digit || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const char ch = static_cast<char>(c);
    unsigned bits = 0;
    if (alnum || std::string_view("!#$%&'*+-.^_`|~").find(ch) != std::string_view::npos) {
      bits |= kTokenChar;
    }
    if (c >= 0x21 && c <= 0x7e) bits |= kTargetChar;
    if ((c >= 0x20 && c != 0x7f) || c == '\t') bits |= kValueChar;
    if (alnum || ch == '-' || ch == '.' || ch == '_') bits |= kHostChar;
    if (digit) bits |= kDigitChar;
    if (alnum || std::string_view("-._~!$&'()*+,;=:@/?%").find(ch) != std::string_view::npos) {
      bits |= kUriChar;
    }
    if (alnum || ch == '-') bits |= kPlainName;
    if (alnum) bits |= kAlnumChar;
    table[c] = static_cast<std::uint8_t>(bits);
  }
  return table;
}
inline constexpr std::array<std::uint8_t, 256> kClasses = make_classes();
}  // namespace detail

[[nodiscard]] constexpr bool has_class(char c, CharClass wanted) {
  return (detail::kClasses[static_cast<std::uint8_t>(c)] & wanted) != 0;
}
// Length of the longest prefix whose bytes are all of the class.
[[nodiscard]] constexpr std::size_t span_of(std::string_view text, CharClass wanted) {
  std::size_t i = 0;
  while (i < text.size() && has_class(text[i], wanted)) ++i;
  return i;
}

// The same, and `common` loses the classes that some byte of the prefix does not have.
[[nodiscard]] constexpr std::size_t span_of(std::string_view text, CharClass wanted,
                                            unsigned& common) {
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    const unsigned bits = detail::kClasses[static_cast<std::uint8_t>(text[i])];
    if ((bits & wanted) == 0) break;
    common &= bits;
  }
  return i;
}

[[nodiscard]] bool is_token(std::string_view text);
[[nodiscard]] bool is_field_value(std::string_view text);
// Whether path or query hold only what RFC 3986 3.3 and 3.4 allow, with whole percent-encodings.
[[nodiscard]] bool is_uri_text(std::string_view text);

// One field line without its CRLF. The views point into `line`; `value` has no surrounding SP or
// HTAB.
struct FieldLine {
  std::string_view name;
  std::string_view value;
  std::string_view trailing;  // the whitespace after the value
  bool odd_name = false;      // more than letters, digits and "-"
  bool obs_text = false;      // in the value: bytes above 0x7f
};
[[nodiscard]] H1Reason parse_field_line(std::string_view line, FieldLine& out);

// Splits a comma-separated list (RFC 9110 5.6.1) off `rest`: the next element, trimmed, possibly
// empty. Call while rest.data() != nullptr; a value without elements gives one empty element.
[[nodiscard]] std::string_view next_list_element(std::string_view& rest);

}  // namespace sluice::http
