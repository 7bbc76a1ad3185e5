// SPDX-License-Identifier: Apache-2.0
// How an HTTP/1 session is the downstream of its stream: bodies in, answers out.
#include "agent/proxy/h1_session.hpp"

namespace sluice::proxy {

using http::BodyKind;
using Kind = MessageEvent::Kind;

MessageEvent H1Session::next() {
  if (request_done_) return {Kind::kEnd, {}, &parser_->trailers()};
  if (!reading_) {
    bytes_ = client_.input();
    consumed_ = 0;
    if (bytes_.empty()) {
      return {client_.ended() || client_.receive_failed() ? Kind::kClosed : Kind::kNone};
    }
    reading_ = true;
  }
  const http::H1Progress progress = parser_->next(bytes_.substr(consumed_));
  consumed_ += progress.consumed;
  switch (progress.event) {
    case http::H1Event::kBody:
      return {Kind::kData, progress.body};
    case http::H1Event::kComplete:
      request_done_ = true;
      if (consumed_ < bytes_.size()) pipelined_ = true;
      keep();
      return {Kind::kEnd, {}, &parser_->trailers()};
    case http::H1Event::kHead:
    case http::H1Event::kNeedMore:
      keep();
      return {Kind::kMore};
    case http::H1Event::kError:
      break;
  }
  if (counted_) context_.report.desync.count_refusal(parser_->error().code);
  consumed_ = bytes_.size();  // nobody knows where the next request would begin
  keep();
  return {Kind::kInvalid};
}

void H1Session::keep() {
  client_.keep(bytes_, consumed_);
  reading_ = false;
}

void H1Session::write_head(http::ResponseHead& head) {
  const http::RequestHead& request = parser_->head();
  const bool interim = head.status < 200;
  if (interim && request.minor_version == 0) return;  // it would be taken for the answer
  if (!request.accepts_trailers) head.headers.remove("Trailer");
  head.minor_version = request.minor_version;
  if (interim) {
    http::write_response_head(head, true, output_.text());
    return;
  }
  tail_.reset();
  const BodyKind kind = head.body;
  // The rest of a request whose answer is already here may never come.
  keep_alive_ = request.keep_alive && request_done_ && !context_.draining;
  const bool streamed = kind == BodyKind::kChunked || kind == BodyKind::kUntilClose;
  answer_body_ = !streamed                    ? kind
                 : request.minor_version == 0 ? BodyKind::kUntilClose
                                              : BodyKind::kChunked;
  if (answer_body_ == BodyKind::kUntilClose) keep_alive_ = false;
  head.body = answer_body_;
  http::write_response_head(head, keep_alive_, output_.text());
  head.body = kind;
}

void H1Session::write_body(std::string_view data) {
  body_written_ += data.size();
  output_.body(answer_body_, data);
}

// RFC 9110 6.5.1: trailers only for whoever asked for them.
void H1Session::write_end(const http::HeaderMap* trailers) {
  output_.end(answer_body_, parser_->head().accepts_trailers ? trailers : nullptr);
}

void H1Session::finish() {
  touch();
  if (keep_alive_ && request_done_) return;
  state_ = State::kClosing;
  // The client may still be sending what nobody wants, and closing at once would destroy the answer on its way
  // (RFC 9112 9.6); so would the RST that unread bytes make close() send.
  linger_ = !request_done_ || client_.has_input() || client_.readable();
}

void H1Session::abort(bool reset) {
  touch();
  output_.discard();
  // A body that an end of file would complete must end with an RST instead.
  reset_ = reset || answer_body_ == BodyKind::kUntilClose;
  state_ = reset_ ? State::kClosed : State::kClosing;
}

void H1Session::handed_over() {
  handed_over_ = true;
  tail_.reset();
  state_ = State::kClosed;
}

// What refuses a connection once (its handshake, its segment size) mostly does so for good, and each attempt costs
// system calls and may cost an upstream connection.
void H1Session::offer_refused() {
  constexpr std::uint32_t kPromptOffers =
      2;  // refusals after which the very next request is offered
  constexpr std::uint32_t kRarestOffer = 6;  // at most 2^6 requests between two offers
  const std::uint32_t beyond = refusals_ < kPromptOffers ? 0 : refusals_ - kPromptOffers + 1;
  next_offer_ = requests_ + (std::uint64_t{1} << std::min(beyond, kRarestOffer));
  ++refusals_;
}

}  // namespace sluice::proxy
