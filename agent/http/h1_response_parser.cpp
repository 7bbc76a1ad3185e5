// SPDX-License-Identifier: Apache-2.0
#include "agent/http/h1_core.hpp"
#include "agent/http/status_line.hpp"

namespace sluice::http {
namespace {

struct ResponseRules {
  static constexpr LlhttpFraming::Kind kKind = LlhttpFraming::Kind::kResponse;
  static constexpr H1Reason kStartTooLong = H1Reason::kHeadTooLarge;

  void reset() {}

  [[nodiscard]] static H1Reason peek(std::string_view bytes, bool& /*wait*/) {
    const bool wrong = !bytes.empty() && bytes.front() != 'H';
    return wrong ? H1Reason::kInvalidStatusLine : H1Reason::kNone;
  }

  [[nodiscard]] static H1Reason start_line(std::string_view line, ResponseHead& head,
                                           const H1Limits& /*limits*/, DesyncJudge& /*judge*/,
                                           bool& /*skip*/) {
    return parse_status_line(line, head);
  }

  [[nodiscard]] H1Reason finish(const Framing& framing, ResponseHead& head,
                                DesyncJudge& /*judge*/) const {
    return framing.finish(head, to_head, to_connect);
  }

  static void settle(ResponseHead& /*head*/, const DesyncVerdict& /*verdict*/, bool /*repaired*/) {}

  [[nodiscard]] static std::string_view llhttp_start(std::string_view raw) { return raw; }

  bool to_head = false;
  bool to_connect = false;
};

}  // namespace

struct H1ResponseParser::Impl : H1Core<ResponseHead, ResponseRules> {
  using H1Core::H1Core;
};

namespace {
H1Options response_options(H1Limits limits) {
  limits.body_bytes = 0;
  return {.limits = limits};
}
}  // namespace

H1ResponseParser::H1ResponseParser(H1Limits limits)
    : impl_(std::make_unique<Impl>(response_options(limits))) {}
H1ResponseParser::~H1ResponseParser() = default;
H1ResponseParser::H1ResponseParser(H1ResponseParser&&) noexcept = default;
H1ResponseParser& H1ResponseParser::operator=(H1ResponseParser&&) noexcept = default;

void H1ResponseParser::reset(std::string_view request_method) {
  impl_->reset();
  impl_->rules.to_head = request_method == "HEAD";
  impl_->rules.to_connect = request_method == "CONNECT";
}
H1Progress H1ResponseParser::next(std::string_view input) { return impl_->next(input); }
bool H1ResponseParser::finish() {
  if (impl_->state == Impl::State::kBody && impl_->body.ends_with_connection()) {
    impl_->state = Impl::State::kComplete;
  }
  return impl_->state == Impl::State::kComplete;
}
const ResponseHead& H1ResponseParser::head() const { return impl_->head; }
ResponseHead& H1ResponseParser::head() { return impl_->head; }
const HeaderMap& H1ResponseParser::trailers() const { return impl_->body.trailers(); }
const H1Error& H1ResponseParser::error() const { return impl_->error; }

}  // namespace sluice::http
