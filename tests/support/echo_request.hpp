// SPDX-License-Identifier: Apache-2.0
// What one request asks of the echo server: how its query parameters change the answer, and the
// JSON that describes it. Callers: EchoConnection. Thread: any. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/http_wire.hpp"

namespace sluice::support {

enum class Misbehave { kNone, kResetAtOnce, kResetInBody, kCloseInBody };

struct EchoControls {
  bool pattern = false;  // size=N was given: the body is N bytes of the tape
  std::uint64_t size = 0;
  std::uint64_t seed = 0;
  bool chunked = false;
  bool early = false;          // early=1: answer at the head, then close without reading the body
  std::uint32_t delay_ms = 0;  // before the head of the answer
  std::uint32_t pieces = 0;    // stream=N
  std::uint32_t interval_ms = 0;
  std::uint16_t status = 200;
  std::uint32_t extra_fields = 0;  // headers=N
  bool trailers = false;           // trailers=1, with chunked=1
  Misbehave misbehave = Misbehave::kNone;
  std::string tag;  // tag=T comes back as X-Request-Tag
};

// False when a parameter has a value that is not understood; unknown parameters are only echoed.
[[nodiscard]] bool parse_controls(std::string_view query, EchoControls& out);

// The JSON without its last two members (body length and hash, known only when the body has been
// read) and brace.
[[nodiscard]] std::string describe_request(const WireHead& head, std::string_view hostname,
                                           std::string_view version, std::string_view peer);

}  // namespace sluice::support
