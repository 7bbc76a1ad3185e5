// SPDX-License-Identifier: Apache-2.0
#include "agent/http/body_reader.hpp"

#include <algorithm>

#include "agent/http/hop_by_hop.hpp"
#include "agent/http/line_reader.hpp"
#include "agent/http/syntax.hpp"

namespace sluice::http {

bool BodyReader::begin(BodyKind kind, std::uint64_t length) {
  remaining_ = length;
  chunked_bytes_ = 0;
  fields_.clear();
  line_bytes_ = trailer_bytes_ = 0;
  trailer_fields_ = 0;
  partial_.clear();
  reason_ = H1Reason::kNone;
  switch (kind) {
    case BodyKind::kNone:
      state_ = State::kDone;
      break;
    case BodyKind::kLength:
      state_ = length > 0 ? State::kLength : State::kDone;
      break;
    case BodyKind::kChunked:
      state_ = State::kSizeLine;
      break;
    case BodyKind::kUntilClose:
      state_ = State::kUntilClose;
      break;
  }
  if (limits_.body_bytes == 0 || kind != BodyKind::kLength || length <= limits_.body_bytes) {
    return true;
  }
  reason_ = H1Reason::kBodyTooLarge;
  return false;
}

H1Progress BodyReader::fail(H1Reason reason) {
  reason_ = reason;
  return {H1Event::kError, 0, {}};
}

H1Progress BodyReader::next(std::string_view input) {
  switch (state_) {
    case State::kDone:
      return {H1Event::kComplete, 0, {}};
    case State::kUntilClose:
      return {input.empty() ? H1Event::kNeedMore : H1Event::kBody, input.size(), input};
    case State::kLength:
      return data(input, 0);
    default:
      return chunked(input);
  }
}

// The body's bytes at `offset`; what stands before them was framing.
H1Progress BodyReader::data(std::string_view input, std::size_t offset) {
  const std::size_t size =
      static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size() - offset));
  if (size == 0) return {H1Event::kNeedMore, offset, {}};
  const std::string_view piece = input.substr(offset, size);
  if (state_ == State::kData && !llhttp_.skip_data(piece)) {
    return fail(H1Reason::kParserDisagreement);
  }
  remaining_ -= size;
  if (remaining_ == 0) {
    state_ = state_ == State::kData ? State::kChunkEnd : State::kDone;
    end_bytes_ = 0;
  }
  return {H1Event::kBody, offset + size, piece};
}

H1Progress BodyReader::chunked(std::string_view input) {
  std::size_t at = 0;
  for (;;) {
    if (state_ == State::kDone) return {H1Event::kComplete, at, {}};
    if (state_ == State::kData || at == input.size()) break;
    const std::string_view rest = input.substr(at);
    if (state_ == State::kChunkEnd) {
      at += chunk_end(rest);
    } else if (state_ == State::kSizeLine) {
      at += size_line(rest);
    } else {
      at += trailers(rest);
    }
    if (reason_ != H1Reason::kNone) return fail(reason_);
  }
  return state_ == State::kData ? data(input, at) : H1Progress{H1Event::kNeedMore, at, {}};
}

std::size_t BodyReader::chunk_end(std::string_view input) {
  const char expected = end_bytes_ == 0 ? '\r' : '\n';
  if (input.front() != expected || !llhttp_.skip_data(input.substr(0, 1))) {
    reason_ = H1Reason::kChunkNotTerminated;
    return 0;
  }
  if (++end_bytes_ == 2) {
    state_ = State::kSizeLine;
    line_bytes_ = 0;
  }
  return 1;
}

std::size_t BodyReader::size_line(std::string_view input) {
  const std::size_t allowed = limits_.chunk_line_bytes - line_bytes_;
  const LlhttpFraming::SizeLine line = llhttp_.read_size_line(input.substr(0, allowed));
  if (line.reason != H1Reason::kNone) {
    reason_ = line.reason;
    return 0;
  }
  line_bytes_ += line.consumed;
  if (line.complete) {
    remaining_ = line.size;
    // The chunk is refused before its data comes; the difference cannot overflow: the sum so far is within the limit.
    if (limits_.body_bytes != 0) {
      if (line.size > limits_.body_bytes - chunked_bytes_) {
        reason_ = H1Reason::kBodyTooLarge;
        return 0;
      }
      chunked_bytes_ += line.size;
    }
    state_ = line.size > 0 ? State::kData : State::kTrailers;
  } else if (line_bytes_ >= limits_.chunk_line_bytes) {
    reason_ = H1Reason::kChunkLineTooLong;
  }
  return line.consumed;
}

// llhttp is not asked: it takes a lone LF, folded lines and nameless fields here.
std::size_t BodyReader::trailers(std::string_view input) {
  const std::size_t lf = input.find('\n');
  const std::size_t size = lf == std::string_view::npos ? input.size() : lf + 1;
  if (size > limits_.trailer_bytes - trailer_bytes_) {
    reason_ = H1Reason::kTrailersTooLarge;
    return 0;
  }
  trailer_bytes_ += size;
  const std::string_view piece = input.substr(0, size);
  if (lf == std::string_view::npos) {
    partial_.append(piece);
  } else if (partial_.empty()) {
    trailer_line(piece);
  } else {
    partial_.append(piece);
    trailer_line(partial_);
    partial_.clear();
  }
  return size;
}

void BodyReader::trailer_line(std::string_view line) {
  line.remove_suffix(1);
  if (line.empty() || line.back() != '\r') {
    reason_ = LineReader::refine(line, H1Reason::kBareLf);
    return;
  }
  line.remove_suffix(1);
  if (line.empty()) {
    state_ = State::kDone;
  } else if (++trailer_fields_ > limits_.fields) {
    reason_ = LineReader::refine(line, H1Reason::kTooManyFields);
  } else {
    FieldLine field;
    reason_ = parse_field_line(line, field);
    if (reason_ != H1Reason::kNone) {
      reason_ = LineReader::refine(line, reason_);
    } else if (!is_forbidden_trailer(field.name) && !is_lookalike(field.name)) {
      fields_.add(field.name, field.value);
    }
  }
}

}  // namespace sluice::http
