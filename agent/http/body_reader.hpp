// SPDX-License-Identifier: Apache-2.0
// BodyReader: takes the framing off a body, whichever kind it is. Called by the parsers once the
// head is accepted. Thread: worker. Invariants: consumes every byte it is given up to the end of
// the message and none behind it; keeps at most one partial trailer line.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/http/h1_codec.hpp"
#include "agent/http/h1_reason.hpp"
#include "agent/http/llhttp_framing.hpp"

namespace sluice::http {

class BodyReader {
 public:
  explicit BodyReader(LlhttpFraming::Kind kind) : llhttp_(kind) {}
  void set_limits(const H1Limits& limits) { limits_ = limits; }

  // llhttp() must have agreed on the head before a chunked body begins. False when the body is known
  // to be too large.
  [[nodiscard]] bool begin(BodyKind kind, std::uint64_t length);
  // kBody, kNeedMore, kComplete or kError (then reason() says why).
  [[nodiscard]] H1Progress next(std::string_view input);
  // True when the end of the connection ends the body.
  [[nodiscard]] bool ends_with_connection() const { return state_ == State::kUntilClose; }
  // Of a chunked body, complete with kComplete; without those that must not be trailers.
  [[nodiscard]] const HeaderMap& trailers() const { return fields_; }
  [[nodiscard]] H1Reason reason() const { return reason_; }
  [[nodiscard]] LlhttpFraming& llhttp() { return llhttp_; }

 private:
  enum class State : std::uint8_t {
    kLength,
    kUntilClose,
    kChunkEnd,
    kSizeLine,
    kData,
    kTrailers,
    kDone
  };

  [[nodiscard]] H1Progress data(std::string_view input, std::size_t offset);
  [[nodiscard]] H1Progress chunked(std::string_view input);
  [[nodiscard]] H1Progress fail(H1Reason reason);
  // Each returns the bytes it took and moves state_; a reason_ other than kNone ends the message.
  [[nodiscard]] std::size_t chunk_end(std::string_view input);
  [[nodiscard]] std::size_t size_line(std::string_view input);
  [[nodiscard]] std::size_t trailers(std::string_view input);
  void trailer_line(std::string_view line);

  LlhttpFraming llhttp_;
  H1Limits limits_;
  State state_ = State::kDone;
  std::uint64_t remaining_ = 0;      // of the body or of the chunk
  std::uint64_t chunked_bytes_ = 0;  // of all chunks so far
  HeaderMap fields_;                 // the trailers
  std::size_t line_bytes_ = 0;       // of the size line so far
  std::size_t trailer_bytes_ = 0;    // of all trailer lines so far
  std::uint32_t trailer_fields_ = 0;
  std::uint8_t end_bytes_ = 0;  // of the CRLF behind a chunk's data
  std::string partial_;         // a trailer line that is not complete
  H1Reason reason_ = H1Reason::kNone;
};

}  // namespace sluice::http
