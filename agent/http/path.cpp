// SPDX-License-Identifier: Apache-2.0
#include "agent/http/path.hpp"

#include <cctype>
#include <cstring>
#include <string_view>

namespace sluice::http {
namespace {

// Whether there is anything to do: most paths are plain, and this is all that they cost.
bool is_plain(std::string_view path, PathForm form) {
  char before = 0;
  for (const char c : path) {
    if (c == '%' || c == '\\') return false;
    if (before == '/' && (c == '.' || (c == '/' && form >= PathForm::kMergeSlashes))) return false;
    before = c;
  }
  return true;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// RFC 3986 2.3.
bool is_unreserved(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_' ||
         c == '~';
}

// Each of the passes below writes no further than it has read.
PathChange decode(std::string& path, PathForm form) {
  constexpr std::string_view kUpper = "0123456789ABCDEF";
  std::size_t to = 0;
  for (std::size_t at = 0; at < path.size(); ++at) {
    if (path[at] != '%') {
      path[to++] = path[at] == '\\' ? '/' : path[at];
      continue;
    }
    const int high = at + 2 < path.size() ? hex_value(path[at + 1]) : -1;
    const int low = at + 2 < path.size() ? hex_value(path[at + 2]) : -1;
    if (high < 0 || low < 0) return PathChange::kInvalidEncoding;
    at += 2;
    const char c = static_cast<char>(high * 16 + low);
    if (c == '\0') return PathChange::kEncodedNul;
    if (is_unreserved(c)) {
      path[to++] = c;
    } else if (form == PathForm::kDecodeAndMergeSlashes && (c == '/' || c == '\\')) {
      path[to++] = '/';
    } else {
      path[to] = '%';
      path[to + 1] = kUpper[static_cast<std::size_t>(high)];
      path[to + 2] = kUpper[static_cast<std::size_t>(low)];
      to += 3;
    }
  }
  path.resize(to);
  return PathChange::kChanged;
}

// RFC 3986 5.2.4, for a path that begins with '/'. What is written ends with '/' between two segments.
void resolve_dots(std::string& path) {
  std::size_t to = 1;
  for (std::size_t at = 1; at <= path.size();) {
    const std::size_t slash = path.find('/', at);
    const std::size_t end = slash == std::string::npos ? path.size() : slash;
    const std::string_view segment(path.data() + at, end - at);
    if (segment == "..") {
      if (to > 1) to = path.rfind('/', to - 2) + 1;
    } else if (segment != ".") {
      std::memmove(path.data() + to, segment.data(), segment.size());
      to += segment.size();
      if (end < path.size()) path[to++] = '/';
    }
    at = end + 1;
  }
  path.resize(to);
}

void merge_slashes(std::string& path) {
  std::size_t to = 0;
  for (const char c : path) {
    if (c != '/' || to == 0 || path[to - 1] != '/') path[to++] = c;
  }
  path.resize(to);
}

}  // namespace

const char* reason_of(PathChange change) {
  switch (change) {
    case PathChange::kEncodedNul:
      return "path_encoded_nul";
    case PathChange::kInvalidEncoding:
      return "path_invalid_encoding";
    case PathChange::kNone:
    case PathChange::kChanged:
      break;
  }
  return "";
}

PathChange normalize_path(std::string& path, PathForm form) {
  if (form == PathForm::kAsReceived || !path.starts_with('/') || is_plain(path, form)) {
    return PathChange::kNone;
  }
  const PathChange decoded = decode(path, form);
  if (decoded != PathChange::kChanged) return decoded;
  resolve_dots(path);
  if (form >= PathForm::kMergeSlashes) merge_slashes(path);
  return PathChange::kChanged;
}

}  // namespace sluice::http
