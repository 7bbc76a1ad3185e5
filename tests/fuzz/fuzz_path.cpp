// SPDX-License-Identifier: Apache-2.0
// Any bytes as a path, in each form: in place, never longer, still a path, the form of a form is itself, and nothing is
// left that another reader would resolve or decode to an unreserved character. Thread: main.
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/http/path.hpp"

namespace sluice::http {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check_segments(std::string_view path) {
  for (std::size_t at = 1; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    require(segment != "." && segment != "..");
    at = end + 1;
  }
}

void check_encodings(std::string_view path) {
  for (std::size_t at = 0; (at = path.find('%', at)) != std::string_view::npos; at += 3) {
    require(at + 2 < path.size());
    const int value = std::stoi(std::string(path.substr(at + 1, 2)), nullptr, 16);
    require(value != 0 && (value >= 0x80 || std::isalnum(value) == 0));
    require(value != '.' && value != '-' && value != '_' && value != '~');
  }
}

void check(std::string_view input, PathForm form) {
  std::string path(input);
  const PathChange change = normalize_path(path, form);
  if (*reason_of(change) != '\0') return;
  require(path.size() <= input.size());
  if (change == PathChange::kNone) require(path == input);
  if (!input.starts_with('/')) return;
  require(path.starts_with('/') && path.find('\\') == std::string::npos);
  check_segments(path);
  check_encodings(path);
  if (form >= PathForm::kMergeSlashes) require(path.find("//") == std::string::npos);
  std::string again = path;
  (void)normalize_path(again, form);
  require(again == path);
}

}  // namespace
}  // namespace sluice::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using sluice::http::PathForm;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const PathForm form :
       {PathForm::kBase, PathForm::kMergeSlashes, PathForm::kDecodeAndMergeSlashes}) {
    sluice::http::check(bytes, form);
    sluice::http::check("/" + std::string(bytes), form);
  }
  return 0;
}
