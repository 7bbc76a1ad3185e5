// SPDX-License-Identifier: Apache-2.0
// The request line (RFC 9112 3): method, target in its four forms, version. Called by
// H1RequestParser. Thread: any. Invariants: on success the head's method, target, path, query,
// scheme, minor_version are set, and authority when the target has one.
#pragma once
#include <string_view>

#include "agent/http/h1_reason.hpp"
#include "agent/http/message.hpp"

namespace sluice::http {

// `line` has no CRLF.
[[nodiscard]] H1Reason parse_request_line(std::string_view line, RequestHead& head, bool& plain);

// Could these bytes of a connection be the beginning of a request? As far as they go: a whole first line must end with
// a version, part of one must begin with a method.
[[nodiscard]] bool looks_like_request(std::string_view bytes);

// "HTTP/1.0" or "HTTP/1.1", exactly.
[[nodiscard]] H1Reason parse_version(std::string_view text, std::uint8_t& minor);

}  // namespace sluice::http
