// SPDX-License-Identifier: Apache-2.0
#include "agent/config/manifest/node.hpp"

#include <algorithm>
#include <array>

#include "agent/base/text.hpp"

namespace sluice::config {
namespace {

bool digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view without_sign(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return text;
}

bool is_integer(std::string_view text) {
  text = without_sign(text);
  if (text.starts_with("0x")) {
    text.remove_prefix(2);
    return !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF") == text.npos;
  }
  if (text.starts_with("0o")) {
    text.remove_prefix(2);
    return !text.empty() && text.find_first_not_of("01234567") == text.npos;
  }
  return digits(text);
}

bool is_float(std::string_view text) {
  text = without_sign(text);
  const std::string lower = to_lower(text);
  if (lower == ".inf" || lower == ".nan") return true;
  std::string_view mantissa = text;
  if (const auto e = text.find_first_of("eE"); e != text.npos) {
    mantissa = text.substr(0, e);
    if (!digits(without_sign(text.substr(e + 1)))) return false;
    if (digits(mantissa)) return true;
  }
  const auto dot = mantissa.find('.');
  if (dot == mantissa.npos) return false;
  const std::string_view whole = mantissa.substr(0, dot);
  const std::string_view fraction = mantissa.substr(dot + 1);
  if (whole.empty() && fraction.empty()) return false;
  return (whole.empty() || digits(whole)) && (fraction.empty() || digits(fraction));
}

bool is_bool(std::string_view text) {
  constexpr std::array<std::string_view, 6> kWords{"true", "false", "yes", "no", "on", "off"};
  if (text.size() > 5) return false;
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return equals_ignore_case(word, text); });
}

}  // namespace

Node::Type Node::type() const {
  if (kind == Kind::kNull) return Type::kNull;
  if (quoted) return Type::kString;
  if (is_integer(scalar)) return Type::kInteger;
  if (is_float(scalar)) return Type::kFloat;
  if (is_bool(scalar)) return Type::kBool;
  return Type::kString;
}

const Member* Node::find(std::string_view key) const {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [&](const Member& member) { return member.key == key; });
  return found == members.end() ? nullptr : &*found;
}

const char* Node::describe() const {
  switch (kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kMap:
      return "a map";
    case Kind::kList:
      return "a list";
    case Kind::kScalar:
      break;
  }
  switch (type()) {
    case Type::kInteger:
    case Type::kFloat:
      return "a number";
    case Type::kBool:
      return "true or false";
    default:
      return "a string";
  }
}

}  // namespace sluice::config
