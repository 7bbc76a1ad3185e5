// SPDX-License-Identifier: Apache-2.0
#include "agent/http/status_line.hpp"

#include "agent/http/request_line.hpp"
#include "agent/http/syntax.hpp"

namespace sluice::http {

H1Reason parse_status_line(std::string_view line, ResponseHead& head) {
  constexpr std::size_t kVersionSize = 8;
  if (!line.starts_with("HTTP/")) return H1Reason::kInvalidStatusLine;
  const H1Reason version = parse_version(line.substr(0, kVersionSize), head.minor_version);
  if (version != H1Reason::kNone) return version;
  const std::string_view rest = line.substr(kVersionSize);
  if (rest.empty() || rest.front() != ' ') return H1Reason::kInvalidStatusLine;
  const std::string_view code = rest.substr(1, 3);
  if (code.size() != 3 || span_of(code, kDigitChar) != 3 || code.front() == '0') {
    return H1Reason::kInvalidStatusCode;
  }
  head.status =
      static_cast<std::uint16_t>((code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0'));
  const std::string_view tail = rest.substr(4);
  if (tail.empty()) return H1Reason::kNone;
  if (tail.front() != ' ') return H1Reason::kInvalidStatusCode;
  if (!is_field_value(tail.substr(1))) return H1Reason::kInvalidReasonPhrase;
  head.reason.assign(tail.substr(1));
  return H1Reason::kNone;
}

}  // namespace sluice::http
