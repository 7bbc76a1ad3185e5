// SPDX-License-Identifier: Apache-2.0
// The one form of a path that is matched and forwarded (Istio's pathNormalization), so that no route is passed by
// writing its path in another way. Called by the proxy, once a request, before routing. Pure. Thread: any.
#pragma once
#include <cstdint>
#include <string>

namespace sluice::http {

// Each form includes those before it.
enum class PathForm : std::uint8_t {
  kAsReceived,
  // RFC 3986 6.2.2: dot segments resolved (".." above the root stays at the root), percent-encoded unreserved
  // characters decoded, hexadecimal digits in upper case; and a backslash is a slash, as the URL standard of browsers
  // has it. An encoded slash (%2F, %5C) is no slash.
  kBase,
  kMergeSlashes,           // and "//" is "/"
  kDecodeAndMergeSlashes,  // and %2F and %5C are slashes, before all else
};

enum class PathChange : std::uint8_t {
  kNone,
  kChanged,          // looked at closely; it may still be what it was
  kEncodedNul,       // refused: %00 ends the path in whatever is written in C behind us
  kInvalidEncoding,  // refused: a '%' without two hexadecimal digits is read differently by everyone
};
// The reason of a refusal: "path_encoded_nul" or "path_invalid_encoding"; else "".
[[nodiscard]] const char* reason_of(PathChange change);

// Brings `path` (without query) into that form, in place and without allocating. Decodes once: %252E becomes no dot.
// Paths that do not begin with '/' ("*", CONNECT's "") are left alone. After a refusal `path` has any content.
// Doing it twice changes nothing more.
[[nodiscard]] PathChange normalize_path(std::string& path, PathForm form);

}  // namespace sluice::http
