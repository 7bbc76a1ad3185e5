// SPDX-License-Identifier: Apache-2.0
#include "cli/render/style.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace sluice::cli {
namespace {

const char* code_of(Style style) {
  switch (style) {
    case Style::kPlain:
      return "";
    case Style::kBold:
      return "\033[1m";
    case Style::kDim:
      return "\033[2m";
    case Style::kGood:
      return "\033[32m";
    case Style::kWarn:
      return "\033[33m";
    case Style::kBad:
      return "\033[31m";
  }
  return "";
}

}  // namespace

Painter Painter::for_stdout() {
  const char* no_color = std::getenv("NO_COLOR");
  return Painter(::isatty(STDOUT_FILENO) != 0 && (no_color == nullptr || *no_color == '\0'));
}

std::string Painter::paint(Style style, std::string_view text) const {
  if (!colours_ || style == Style::kPlain || text.empty()) return std::string(text);
  return code_of(style) + std::string(text) + "\033[0m";
}

std::string clean(std::string_view text) {
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    if (byte < 0x20 || byte == 0x7f) out[i] = '?';
    // U+0080..U+009F, the C1 controls, are c2 80..c2 9f in UTF-8.
    if (byte == 0xc2 && i + 1 < out.size() && static_cast<unsigned char>(out[i + 1]) < 0xa0) {
      out[i] = out[i + 1] = '?';
    }
  }
  return out;
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace sluice::cli
