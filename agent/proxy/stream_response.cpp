// SPDX-License-Identifier: Apache-2.0
// The answer's side of a stream: from the endpoint's bytes to the client's.
#include "agent/base/log.hpp"
#include "agent/proxy/session.hpp"
#include "agent/proxy/stream.hpp"

namespace sluice::proxy {

using http::BodyKind;
using http::H1Event;

bool Stream::relay() {
  Channel& client = session_->client();
  if (client.broken() || client.send_failed()) {
    give_up(Ending::kClientClosed, true);
    return true;
  }
  const bool flushed = upstream_->channel().flush();
  if (flushed) session_->touch();
  if (pump_response()) return true;
  return pump_request() || flushed;
}

bool Stream::pump_response() {
  Channel& client = session_->client();
  if (client.has_output()) return false;
  Channel& from = upstream_->channel();
  const std::string_view bytes = from.input();
  if (bytes.empty()) {
    if (from.ended() || from.receive_failed() || from.send_failed()) return upstream_ended();
    return false;
  }
  session_->touch();
  context_.compose.clear();
  std::string_view tail;
  std::size_t consumed = 0;
  const H1Event event = parse_response(bytes, consumed, tail);
  // What came before an error is passed on: the client gets as much as there was.
  if (!context_.compose.empty() || !tail.empty()) client.send(context_.compose, tail);
  const bool starved = event == H1Event::kNeedMore && consumed < bytes.size();
  const bool more = consumed < bytes.size();
  from.keep(bytes, consumed, starved);
  if (event == H1Event::kComplete) {
    finish_response(upstream_keep_ && request_done_ && !more && !from.has_output() &&
                    !from.closing());
  } else if (event == H1Event::kError) {
    const http::H1Error& error = response_.error();
    log::debug("proxy", "{}: {} [{}]", to_string(pool_->address()), error.message, error.reason);
    fail(502, Ending::kUpstreamInvalid, "upstream_invalid");
  }
  return true;
}

// Writes what `bytes` mean to compose and `tail`. kComplete only for the final answer.
H1Event Stream::parse_response(std::string_view bytes, std::size_t& consumed,
                               std::string_view& tail) {
  std::string& text = context_.compose;
  for (;;) {
    const http::H1Progress progress = response_.next(bytes.substr(consumed));
    consumed += progress.consumed;
    switch (progress.event) {
      case H1Event::kHead:
        if (!relay_head(text)) return H1Event::kError;
        break;
      case H1Event::kBody:
        tail = frame(answer_body_, progress.body, text);
        break;
      case H1Event::kComplete:
        if (response_began_) {
          if (answer_body_ == BodyKind::kChunked) write_response_end(text);
          return H1Event::kComplete;
        }
        response_.reset(request_.head().method);  // interim; RFC 9110 15.2
        break;
      case H1Event::kNeedMore:
      case H1Event::kError:
        return progress.event;
    }
  }
}

bool Stream::relay_head(std::string& text) {
  http::ResponseHead& head = response_.head();
  const http::RequestHead& request = request_.head();
  if (head.status == 101) return false;  // nobody asked for another protocol
  const bool interim = head.status < 200;
  if (interim && request.minor_version == 0) return true;
  const BodyKind kind = head.body;
  const bool upstream_keep = head.keep_alive;
  http::strip_hop_by_hop(head.headers);
  if (!request.accepts_trailers) head.headers.remove("Trailer");
  head.minor_version = request.minor_version;
  if (interim) {
    http::write_response_head(head, true, text);
    return true;
  }
  response_began_ = true;
  upstream_keep_ = upstream_keep && !request.isolate;
  // The rest of a request whose answer is already here may never come.
  keep_alive_ = request.keep_alive && request_done_ && !context_.draining;
  const bool chunks = kind == BodyKind::kChunked || kind == BodyKind::kUntilClose;
  answer_body_ = !chunks                      ? kind
                 : request.minor_version == 0 ? BodyKind::kUntilClose
                                              : BodyKind::kChunked;
  if (answer_body_ == BodyKind::kUntilClose) keep_alive_ = false;
  head.body = answer_body_;
  http::write_response_head(head, keep_alive_, text);
  head.body = kind;  // the parser goes on by what it read
  ++target_->report->responses[std::min<std::size_t>(head.status / 100U, 5)];
  return true;
}

// RFC 9110 6.5.1: trailers only for whoever asked for them.
void Stream::write_response_end(std::string& text) const {
  if (request_.head().accepts_trailers) {
    http::write_last_chunk(response_.trailers(), text);
  } else {
    http::write_last_chunk(text);
  }
}

void Stream::finish_response(bool reusable) {
  upstream_->use(nullptr);
  if (reusable) pool_->put(std::move(upstream_));
  upstream_.reset();
  phase_ = Phase::kDone;
  session_->finish(keep_alive_ && request_done_, !request_done_);
}

}  // namespace sluice::proxy
