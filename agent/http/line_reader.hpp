// SPDX-License-Identifier: Apache-2.0
// LineReader: splits a growing head into lines, each byte looked at once whatever way it arrives.
// Called by the parsers. Thread: worker. Invariants: the verdict depends on the bytes, never on
// where the reads split them; so a lone CR wins over a lone LF, and both win over what else is
// wrong with their line. Lines that end with LF alone are read only when allowed, and only in a head
// where all of them do: a mixture is what smuggling looks like.
#pragma once
#include <cstddef>
#include <string_view>

#include "agent/http/h1_reason.hpp"

namespace sluice::http {

class LineReader {
 public:
  enum class Status { kLine, kMore, kTooLong, kBad };

  // `input` is the whole head so far, at most `limit` bytes of which are looked at. After kLine
  // `line` is a view without CRLF; after kBad reason() tells which line end is wrong.
  [[nodiscard]] Status next(std::string_view input, std::size_t limit, std::string_view& line);
  // What to report for a line that next() returned and that turned out wrong in another way.
  [[nodiscard]] static H1Reason refine(std::string_view line, H1Reason found);

  [[nodiscard]] std::size_t position() const { return start_; }  // where the next line starts
  [[nodiscard]] H1Reason reason() const { return reason_; }
  // Whether every line so far ended with LF alone.
  [[nodiscard]] bool lf_only() const { return ends_ == Ends::kLf; }
  void allow_lf(bool allowed) { lf_allowed_ = allowed; }
  void reset() {
    start_ = searched_ = 0;
    reason_ = H1Reason::kNone;
    ends_ = Ends::kUnknown;
  }

 private:
  [[nodiscard]] Status incomplete(std::string_view window, bool full);

  enum class Ends : std::uint8_t { kUnknown, kCrLf, kLf };

  std::size_t start_ = 0;     // first byte of the current line
  std::size_t searched_ = 0;  // no LF before this offset
  H1Reason reason_ = H1Reason::kNone;
  Ends ends_ = Ends::kUnknown;
  bool lf_allowed_ = false;
};

}  // namespace sluice::http
