// SPDX-License-Identifier: Apache-2.0
// H1Core: what the request and the response parser have in common: the states, the head's lines and
// fields, the body. Called by the two parsers, which bring the start line and the verdict on the
// whole head. Thread: worker. Invariants: kFailed is final until reset().
#pragma once
#include <fmt/format.h>

#include "agent/base/text.hpp"
#include "agent/http/body_reader.hpp"
#include "agent/http/desync.hpp"
#include "agent/http/framing.hpp"
#include "agent/http/h1_codec.hpp"
#include "agent/http/line_reader.hpp"

namespace sluice::http {

// Head: RequestHead or ResponseHead. Rules:
//   static constexpr LlhttpFraming::Kind kKind; static constexpr H1Reason kStartTooLong;
//   void reset()
//   H1Reason peek(std::string_view bytes, bool& wait)
//     the first bytes of the start line, before its end is known
//   H1Reason start_line(std::string_view line, Head&, const H1Limits&, DesyncJudge&, bool& skip)
//   H1Reason finish(const Framing&, Head&, DesyncJudge&)
//   void settle(Head&, const DesyncVerdict&, bool repaired)
//   std::string_view llhttp_start(std::string_view raw)
//     what llhttp gets to read as start line
template <typename Head, typename Rules>
struct H1Core {
  enum class State : std::uint8_t { kHead, kBody, kComplete, kFailed };

  explicit H1Core(const H1Options& o) : body(Rules::kKind) { configure(o); }

  void configure(const H1Options& o) {
    options = o;
    body.set_limits(o.limits);
    judge.set_mode(o.mode);
    lines.allow_lf(kRequest && o.mode == DesyncMode::kMonitor);
  }

  void reset() {
    head.clear();
    lines.reset();
    framing.reset();
    rules.reset();
    judge.reset();
    repaired = false;
    state = State::kHead;
    started = false;
    start_at = fields_at = 0;
    line_number = 0;
    error.reason = "";
    error.code = H1Reason::kNone;
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

  static constexpr bool kRequest = Rules::kKind == LlhttpFraming::Kind::kRequest;

  H1Options options;
  DesyncJudge judge;
  Rules rules;
  Head head;
  LineReader lines;
  Framing framing;
  BodyReader body;
  H1Error error;
  State state = State::kHead;
  bool started = false;       // the start line is accepted
  bool repaired = false;      // the head is not what its bytes say: llhttp gets to read it anew
  std::size_t start_at = 0;   // offset of the start line
  std::size_t fields_at = 0;  // offset of the first field line
  std::uint32_t line_number = 0;

 private:
  [[nodiscard]] H1Progress fail(H1Reason reason) {
    const H1ReasonInfo& info = info_of(reason);
    error.status = kRequest ? info.request_status : std::uint16_t{502};
    error.code = reason;
    error.reason = info.code;
    judge.refuse(reason);
    error.message =
        fmt::format("{} refused, {} {}: {}", kRequest ? "request" : "response",
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
      const LineReader::Status status = lines.next(input, options.limits.head_bytes, line);
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
    H1Reason reason = lines.lf_only() && !judge.tolerates(H1Reason::kBareLf)
                          ? H1Reason::kBareLf
                          : rules.start_line(line, head, options.limits, judge, skip);
    if (skip) {
      start_at = lines.position();
      if (!judge.tolerates(H1Reason::kEmptyLineBefore)) reason = H1Reason::kEmptyLineBefore;
    } else {
      started = true;
      fields_at = lines.position();
    }
    return reason;
  }

  [[nodiscard]] H1Reason field_line(std::string_view line) {
    FieldLine field;
    H1Reason reason = parse_field_line(line, field);
    if (reason == H1Reason::kObsFold) return folded_line(line);
    if (!kRequest && reason == H1Reason::kSpaceBeforeColon) reason = close_up(line, field);
    if (reason != H1Reason::kNone) return reason;
    if (head.headers.size() >= options.limits.fields) return H1Reason::kTooManyFields;
    head.headers.add(field.name, field.value);
    reason = framing.on_field(field, head.headers.size() - 1);
    // A pod may name its fields as it likes.
    if (!kRequest && reason == H1Reason::kLookalikeFieldName) reason = H1Reason::kNone;
    // Without the field there is nothing left to misread.
    const bool drop = reason != H1Reason::kNone && judge.tolerates(reason);
    if (drop || (kRequest && field.odd_name && drops_underscore(field.name, reason))) {
      head.headers.drop_last();
      repaired = true;
      return H1Reason::kNone;
    }
    if (kRequest && reason == H1Reason::kNone && field.obs_text) return odd(H1Reason::kObsText);
    return reason;
  }

  [[nodiscard]] H1Reason odd(H1Reason reason) {
    return judge.tolerates(reason) ? H1Reason::kNone : reason;
  }

  // RFC 9112 5.2: a folded line may be joined with one space.
  [[nodiscard]] H1Reason folded_line(std::string_view line) {
    const std::string_view text = trim(line);
    if (!kRequest || head.headers.empty() || !framing.foldable() || !is_field_value(text) ||
        !judge.tolerates(H1Reason::kObsFold)) {
      return H1Reason::kObsFold;
    }
    const bool empty = head.headers.at(head.headers.size() - 1).value.empty();
    if (!empty && !text.empty()) head.headers.extend_last(" ");
    head.headers.extend_last(text);
    repaired = true;
    return H1Reason::kNone;
  }

  // RFC 9112 5.1: from a response a proxy removes the whitespace before the colon. Where the field
  // decides something, somebody may have read the line as another one: that stays refused.
  [[nodiscard]] H1Reason close_up(std::string_view line, FieldLine& field) {
    const std::size_t colon = line.find(':');
    plain_.assign(trim(line.substr(0, colon))).append(line.substr(colon));
    const H1Reason reason = parse_field_line(plain_, field);
    if (reason != H1Reason::kNone) return reason;
    Framing probe;
    static_cast<void>(probe.on_field(field, 0));
    if (!probe.foldable()) return H1Reason::kSpaceBeforeColon;
    repaired = true;
    return H1Reason::kNone;
  }

  [[nodiscard]] bool drops_underscore(std::string_view name, H1Reason& reason) {
    if (options.underscores == UnderscoreNames::kKeep || reason != H1Reason::kNone ||
        name.find('_') == std::string_view::npos) {
      return false;
    }
    const bool refuse = options.underscores == UnderscoreNames::kRefuse;
    judge.note(H1Reason::kUnderscoreInName, refuse ? DesyncAction::kRefuse : DesyncAction::kServe);
    if (refuse) reason = H1Reason::kUnderscoreInName;
    return !refuse;
  }

  [[nodiscard]] H1Progress finish_head(std::string_view raw) {
    const H1Reason reason = rules.finish(framing, head, judge);
    if (reason != H1Reason::kNone) return fail(reason);
    repaired |= lines.lf_only();
    if (repaired) write_plain();
    const std::string_view start = rules.llhttp_start(raw.substr(start_at, fields_at - start_at));
    const std::string_view fields = repaired ? std::string_view(plain_) : raw.substr(fields_at);
    if (!body.llhttp().agrees(start, fields, framing.chunked(), framing.length())) {
      return fail(H1Reason::kParserDisagreement);
    }
    rules.settle(head, judge.verdict(), repaired);
    if (!body.begin(head.body, head.content_length)) return fail(body.reason());
    state = State::kBody;
    return {H1Event::kHead, raw.size(), {}};
  }

  void write_plain() {
    plain_.clear();
    for (std::size_t i = 0; i < head.headers.size(); ++i) {
      const HeaderMap::Field field = head.headers.at(i);
      plain_.append(field.name).append(": ").append(field.value).append("\r\n");
    }
    plain_.append("\r\n");
  }

  std::string plain_;  // the fields as they were repaired
};

}  // namespace sluice::http
