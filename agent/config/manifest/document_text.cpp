// SPDX-License-Identifier: Apache-2.0
#include "agent/config/manifest/document_text.hpp"

#include <fmt/core.h>

#include <cstdint>

namespace sluice::config {
namespace {

constexpr std::string_view kFlowCharacters = "[]{},&!*";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string_view take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  return line;
}

bool is_marker(std::string_view line, std::string_view marker) {
  if (!line.starts_with(marker)) return false;
  line.remove_prefix(marker.size());
  return line.empty() || line.front() == ' ' || line.front() == '\t' || line.front() == '\r';
}

// Length of the UTF-8 sequence at the start of `text` (RFC 3629: no overlong forms, no surrogates),
// 0 when invalid.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
  };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!tail(1) || !tail(2)) return 0;
    if (first == 0xe0 && byte(1) < 0xa0) return 0;
    if (first == 0xed && byte(1) > 0x9f) return 0;
    return 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (first == 0xf0 && byte(1) < 0x90) return 0;
    if (first == 0xf4 && byte(1) > 0x8f) return 0;
    return 4;
  }
  return 0;
}

std::optional<Problem> check_line(std::string_view line, int number) {
  for (std::size_t i = 0; i < line.size();) {
    const auto c = static_cast<std::uint8_t>(line[i]);
    const Mark mark{number, static_cast<int>(i) + 1};
    if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7f) {
      return Problem{mark, "control_character",
                     c == 0 ? std::string("a NUL byte stands in the text")
                            : fmt::format("the control character 0x{:02x} stands in the text", c),
                     "save the file as UTF-8 text; escape such a character as \"\\x00\" in quotes"};
    }
    const std::size_t length = sequence_length(line.substr(i));
    if (length == 0) {
      return Problem{mark, "invalid_utf8", fmt::format("the byte 0x{:02x} is not valid UTF-8", c),
                     "save the file as UTF-8"};
    }
    i += length;
  }
  const std::size_t start = line.find_first_not_of(" \t\r");
  if (line.starts_with('\t') && start != line.npos && line[start] != '#') {
    return Problem{{number, 1},
                   "tab_indentation",
                   "a tab stands where YAML allows only spaces",
                   "indent with spaces"};
  }
  return std::nullopt;
}

}  // namespace

std::vector<DocumentText> split_documents(std::string_view file) {
  if (file.starts_with(kByteOrderMark)) file.remove_prefix(kByteOrderMark.size());
  std::vector<DocumentText> documents;
  std::string_view rest = file;
  const char* begin = rest.data();
  int first_line = 1;
  int line_number = 1;
  const auto finish = [&](const char* end) {
    const std::string_view text(begin, static_cast<std::size_t>(end - begin));
    if (!is_blank(text)) documents.push_back({text, first_line});
  };
  while (!rest.empty()) {
    const char* const line_start = rest.data();
    const std::string_view line = take_line(rest);
    if (is_marker(line, "---") && line_start != begin) {
      finish(line_start);
      begin = line_start;
      first_line = line_number;
    } else if (is_marker(line, "...")) {
      finish(line_start);
      begin = rest.data();
      first_line = line_number + 1;
    }
    ++line_number;
  }
  if (!file.empty()) finish(file.data() + file.size());
  return documents;
}

bool is_blank(std::string_view document) {
  while (!document.empty()) {
    std::string_view line = take_line(document);
    if (is_marker(line, "---")) line.remove_prefix(3);
    if (is_marker(line, "...") || line.starts_with('%')) continue;
    const std::size_t start = line.find_first_not_of(" \t\r");
    if (start != line.npos && line[start] != '#') return false;
  }
  return true;
}

std::optional<Problem> check_text(const DocumentText& document) {
  std::string_view rest = document.text;
  std::size_t flow = 0;
  for (int number = document.first_line; !rest.empty(); ++number) {
    const std::string_view line = take_line(rest);
    if (auto problem = check_line(line, number)) return problem;
    for (const char c : line) {
      if (kFlowCharacters.find(c) != std::string_view::npos) ++flow;
    }
    if (flow > kMaxFlowCharacters) {
      return Problem{
          {number, 1},
          "document_too_complex",
          fmt::format("more than {} of the characters [ ] {{ }} , & ! * stand in one document",
                      kMaxFlowCharacters),
          "split it into several documents or files, in block style"};
    }
  }
  return std::nullopt;
}

}  // namespace sluice::config
