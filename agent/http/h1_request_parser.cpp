// SPDX-License-Identifier: Apache-2.0
#include "agent/http/h1_core.hpp"
#include "agent/http/request_line.hpp"

namespace sluice::http {
namespace {

struct RequestRules {
  static constexpr LlhttpFraming::Kind kKind = LlhttpFraming::Kind::kRequest;
  static constexpr H1Reason kStartTooLong = H1Reason::kTargetTooLong;

  void reset() { skipped_ = false; }

  // A peer that speaks something else may never send a line end: tell it by its first bytes.
  [[nodiscard]] static H1Reason peek(std::string_view bytes, bool& wait) {
    constexpr char kTlsHandshake = 0x16;
    constexpr char kTlsMajor = 0x03;
    if (bytes.empty() || has_class(bytes.front(), kTokenChar)) return H1Reason::kNone;
    if (bytes.front() == '\r' || bytes.front() == '\n') return H1Reason::kNone;
    if (bytes.front() == '\0') return H1Reason::kNulByte;
    if (bytes.front() != kTlsHandshake) return H1Reason::kInvalidMethod;
    if (bytes.size() == 1) {
      wait = true;
      return H1Reason::kNone;
    }
    return bytes[1] == kTlsMajor ? H1Reason::kTlsOnPlainPort : H1Reason::kInvalidMethod;
  }

  [[nodiscard]] H1Reason start_line(std::string_view line, RequestHead& head,
                                    const H1Limits& limits, DesyncJudge& judge, bool& skip) {
    if (!line.empty()) return request_line(line, head, limits, judge);
    // RFC 9112 2.2: one empty line before a request is what old clients sent behind a body.
    if (skipped_) return H1Reason::kEmptyRequestLine;
    skipped_ = skip = true;
    return H1Reason::kNone;
  }

  [[nodiscard]] static H1Reason finish(const Framing& framing, RequestHead& head,
                                       DesyncJudge& judge) {
    return framing.finish(head, judge);
  }

  static void settle(RequestHead& head, const DesyncVerdict& verdict, bool repaired) {
    head.repaired = repaired;
    head.isolate = verdict.action == DesyncAction::kServeAndClose;
    if (head.isolate) head.keep_alive = false;
  }

  // llhttp knows a fixed list of methods and an own idea of targets; both are settled here, and the
  // fields are what its opinion is wanted on.
  [[nodiscard]] static std::string_view llhttp_start(std::string_view /*raw*/) {
    return "POST / HTTP/1.1\r\n";
  }

 private:
  [[nodiscard]] static H1Reason request_line(std::string_view line, RequestHead& head,
                                             const H1Limits& limits, DesyncJudge& judge) {
    bool plain = true;
    const H1Reason reason = parse_request_line(line, head, plain);
    if (reason != H1Reason::kNone) return reason;
    if (head.target.size() > limits.target_bytes) return H1Reason::kTargetTooLong;
    return plain || judge.tolerates(H1Reason::kRawTargetCharacter) ? reason
                                                                   : H1Reason::kRawTargetCharacter;
  }

  bool skipped_ = false;
};

}  // namespace

struct H1RequestParser::Impl : H1Core<RequestHead, RequestRules> {
  using H1Core::H1Core;
};

H1RequestParser::H1RequestParser(const H1Options& options)
    : impl_(std::make_unique<Impl>(options)) {}
H1RequestParser::~H1RequestParser() = default;
H1RequestParser::H1RequestParser(H1RequestParser&&) noexcept = default;
H1RequestParser& H1RequestParser::operator=(H1RequestParser&&) noexcept = default;

H1Progress H1RequestParser::next(std::string_view input) { return impl_->next(input); }
const RequestHead& H1RequestParser::head() const { return impl_->head; }
RequestHead& H1RequestParser::head() { return impl_->head; }
const HeaderMap& H1RequestParser::trailers() const { return impl_->body.trailers(); }
const DesyncVerdict& H1RequestParser::verdict() const { return impl_->judge.verdict(); }
void H1RequestParser::configure(const H1Options& options) { impl_->configure(options); }
const H1Error& H1RequestParser::error() const { return impl_->error; }
void H1RequestParser::reset() { impl_->reset(); }

}  // namespace sluice::http
