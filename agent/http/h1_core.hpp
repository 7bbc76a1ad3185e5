// SPDX-License-Identifier: Apache-2.0
// H1Core: what the request and the response parser have in common: the states, the head's lines and
// fields, the body. Called by the two parsers, which bring the start line and the verdict on the
// whole head. Thread: worker. Invariants: kFailed is final until reset().
#pragma once
#include <fmt/format.h>

#include "agent/http/body_reader.hpp"
#include "agent/http/framing.hpp"
#include "agent/http/h1_codec.hpp"
#include "agent/http/line_reader.hpp"

namespace sluice::http {

// Head: RequestHead or ResponseHead. Rules:
//   static constexpr LlhttpFraming::Kind kKind; static constexpr H1Reason kStartTooLong;
//   void reset()
//   H1Reason peek(std::string_view bytes, bool& wait)      the first bytes of the start line,
//   before its end is known H1Reason start_line(std::string_view line, Head&, bool& skip) H1Reason
//   finish(const Framing&, Head&) std::string_view llhttp_start(std::string_view raw)    what
//   llhttp gets to read as start line
template <typename Head, typename Rules>
struct H1Core {
  enum class State : std::uint8_t { kHead, kBody, kComplete, kFailed };

  explicit H1Core(const H1Limits& l) : limits(l), body(Rules::kKind, l) {}

  void reset() {
    head.clear();
    lines.reset();
    framing.reset();
    rules.reset();
    state = State::kHead;
    started = false;
    start_at = fields_at = 0;
    line_number = 0;
    error.reason = "";
  }

  [[nodiscard]] H1Progress next(std::string_view input) {
    switch (state) {
      case State::kHead:
        return read_head(input);
      case State::kBody:
        return read_body(input);
      case State::kComplete:
        return {H1Event::kComplete, 0, {}};
      case State::kFailed:
        break;
    }
    return {H1Event::kError, 0, {}};
  }

  H1Limits limits;
  Rules rules;
  Head head;
  LineReader lines;
  Framing framing;
  BodyReader body;
  H1Error error;
  State state = State::kHead;
  bool started = false;       // the start line is accepted
  std::size_t start_at = 0;   // offset of the start line
  std::size_t fields_at = 0;  // offset of the first field line
  std::uint32_t line_number = 0;

 private:
  [[nodiscard]] H1Progress fail(H1Reason reason) {
    const H1ReasonInfo& info = info_of(reason);
    const bool request = Rules::kKind == LlhttpFraming::Kind::kRequest;
    error.status = request ? info.request_status : std::uint16_t{502};
    error.reason = info.code;
    error.message =
        fmt::format("{} refused, {} {}: {}", request ? "request" : "response",
                    state == State::kBody ? "body after line" : "line", line_number, info.text);
    state = State::kFailed;
    return {H1Event::kError, 0, {}};
  }

  [[nodiscard]] H1Progress read_body(std::string_view input) {
    const H1Progress progress = body.next(input);
    if (progress.event == H1Event::kComplete) state = State::kComplete;
    return progress.event == H1Event::kError ? fail(body.reason()) : progress;
  }

  [[nodiscard]] H1Progress read_head(std::string_view input) {
    std::string_view line;
    for (;;) {
      if (!started) {
        bool wait = false;
        const H1Reason reason = rules.peek(input.substr(lines.position()), wait);
        if (reason != H1Reason::kNone) return fail(reason);
        if (wait) return {};
      }
      const LineReader::Status status = lines.next(input, limits.head_bytes, line);
      if (status == LineReader::Status::kMore) return {};
      ++line_number;
      if (status == LineReader::Status::kTooLong) {
        return fail(started ? H1Reason::kHeadTooLarge : Rules::kStartTooLong);
      }
      if (status == LineReader::Status::kBad) return fail(lines.reason());
      if (started && line.empty()) return finish_head(input.substr(0, lines.position()));
      const H1Reason reason = started ? field_line(line) : start_line(line);
      if (reason != H1Reason::kNone) return fail(LineReader::refine(line, reason));
    }
  }

  [[nodiscard]] H1Reason start_line(std::string_view line) {
    bool skip = false;
    const H1Reason reason = rules.start_line(line, head, skip);
    if (skip) {
      start_at = lines.position();
    } else {
      started = true;
      fields_at = lines.position();
    }
    return reason;
  }

  [[nodiscard]] H1Reason field_line(std::string_view line) {
    if (head.headers.size() >= limits.fields) return H1Reason::kTooManyFields;
    FieldLine field;
    const H1Reason reason = parse_field_line(line, field);
    if (reason != H1Reason::kNone) return reason;
    head.headers.add(field.name, field.value);
    return framing.on_field(field, head.headers.size() - 1);
  }

  [[nodiscard]] H1Progress finish_head(std::string_view raw) {
    const H1Reason reason = rules.finish(framing, head);
    if (reason != H1Reason::kNone) return fail(reason);
    const std::string_view start = rules.llhttp_start(raw.substr(start_at, fields_at - start_at));
    if (!body.llhttp().agrees(start, raw.substr(fields_at), framing.chunked(), framing.length())) {
      return fail(H1Reason::kParserDisagreement);
    }
    body.begin(head.body, head.content_length);
    state = State::kBody;
    return {H1Event::kHead, raw.size(), {}};
  }
};

}  // namespace sluice::http
