// SPDX-License-Identifier: Apache-2.0
// LlhttpFraming: the only place that calls llhttp. A second opinion on where a head says its
// message ends, and the decoder of chunks. Called by the parsers after their own checks passed.
// Thread: worker. Invariants: never resumed after a disagreement or an error.
#pragma once
#include <cstdint>
#include <memory>
#include <string_view>

#include "agent/http/h1_reason.hpp"
#include "agent/http/message.hpp"

namespace sluice::http {

class LlhttpFraming {
 public:
  enum class Kind { kRequest, kResponse };
  explicit LlhttpFraming(Kind kind);
  ~LlhttpFraming();
  LlhttpFraming(LlhttpFraming&&) noexcept;
  LlhttpFraming& operator=(LlhttpFraming&&) noexcept;

  // True when llhttp reads the same framing from the head. `start_line` (with CRLF) and `fields`
  // (with the final empty line) are what passed the guard; `chunked` and `length` what the guard
  // found there.
  [[nodiscard]] bool agrees(std::string_view start_line, std::string_view fields, bool chunked,
                            std::uint64_t length);

  // After agrees() with chunked. Reads a chunk's size line, and before it the CRLF that ends the
  // previous chunk's data.
  struct SizeLine {
    bool complete =
        false;  // then `size` is known (0: the last chunk) and the next bytes are data or trailers
    std::uint64_t size = 0;
    std::size_t consumed = 0;  // all of the input unless complete or failed
    H1Reason reason = H1Reason::kNone;
  };
  [[nodiscard]] SizeLine read_size_line(std::string_view input);
  // At most the chunk's remaining bytes. False when llhttp sees anything but data there.
  [[nodiscard]] bool skip_data(std::string_view data);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::http
