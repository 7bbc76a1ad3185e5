// SPDX-License-Identifier: Apache-2.0
// The status line (RFC 9112 4). Called by H1ResponseParser. Thread: any. Invariants: pure.
#pragma once
#include <string_view>

#include "agent/http/h1_reason.hpp"
#include "agent/http/message.hpp"

namespace sluice::http {

// `line` has no CRLF. The space before an empty reason phrase may be missing, as many servers write
// it.
[[nodiscard]] H1Reason parse_status_line(std::string_view line, ResponseHead& head);

}  // namespace sluice::http
