// SPDX-License-Identifier: Apache-2.0
// How a stream gets its upstream connection, and what it does when that one fails.
#include "agent/proxy/stream.hpp"
#include "agent/base/log.hpp"
#include "agent/proxy/session.hpp"

namespace sluice::proxy {
namespace {

constexpr std::uint32_t kMaxAttempts = 3;

// RFC 9110 9.2.2.
bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS" || method == "TRACE";
}

}  // namespace

// A connection to the endpoint whose turn it is. A kept one only for a request that is here as a whole: it may turn out
// to be closed, and then the request is sent again.
bool Stream::attach() {
  const bool steerable = context_.steering && listener_->tier == snapshot::Tier::kConnection;
  while (attempts_++ < kMaxAttempts) {
    pool_ = target_->pick_endpoint();
    if (pool_ == nullptr) break;
    const bool kept_will_do = request_done_ && attempts_ == 1;
    if (kept_will_do) upstream_ = pool_->take(steerable);
    if (upstream_ == nullptr) {
      auto connected = pool_->connect(steerable, 0, kept_will_do);
      if (connected) {
        upstream_ = std::move(*connected);
      } else {
        ++target_->report->connect_failures;
        log::debug("proxy", "{}", connected.error().message);
        continue;
      }
    }
    upstream_->use(this);
    attached_at_ = context_.reactor.now();
    return true;
  }
  return false;
}

void Stream::send_request(std::string_view body) {
  phase_ = Phase::kRelay;
  if (upstream_ == nullptr && !attach()) {
    connect_failed();
    return;
  }
  const http::RequestHead& head = request_.head();
  response_.reset(head.method);
  if (upstream_->reused() && body.data() != body_.data()) body_.assign(body);
  std::string& text = context_.compose;
  text.clear();
  http::write_request_head(head, text);
  const std::string_view tail = frame(head.body, body, text);
  if (request_done_ && head.body == http::BodyKind::kChunked) {
    http::write_last_chunk(request_.trailers(), text);
  }
  upstream_->begin_request();
  upstream_->channel().send(text, tail);
}

// The endpoint closed, or sending or receiving failed.
bool Stream::upstream_ended() {
  if (!upstream_->response_began()) return no_response();
  if (response_began_ && response_.finish() && !upstream_->channel().receive_failed()) {
    if (answer_body_ == http::BodyKind::kChunked) {
      context_.compose.clear();
      http::write_last_chunk(context_.compose);
      session_->client().send(context_.compose);
    }
    finish_response(false);
    return true;
  }
  // A body that an end of file would complete must end with an RST instead.
  if (response_began_) {
    give_up(Ending::kTruncated, answer_body_ == http::BodyKind::kUntilClose);
  } else {
    fail(502, Ending::kUpstreamReset, "upstream_reset");
  }
  return true;
}

bool Stream::no_response() {
  if (!upstream_->known_connected()) {
    ++target_->report->connect_failures;
    if (!try_elsewhere()) connect_failed();
    return true;
  }
  if (upstream_->reused() && may_repeat()) {
    // The endpoint closed the kept connection while the request was on its way: not the client's concern.
    log::debug("proxy", "{}: kept connection was closed, sending again",
               to_string(pool_->address()));
    auto connected = pool_->connect(upstream_->steerable(), 0);
    if (connected) {
      upstream_ = std::move(*connected);
      upstream_->use(this);
      attached_at_ = context_.reactor.now();
      send_request(body_);
      return true;
    }
    ++target_->report->connect_failures;
    connect_failed();
    return true;
  }
  fail(502, Ending::kUpstreamReset, "upstream_reset");
  return true;
}

bool Stream::may_repeat() const {
  return request_done_ && (is_idempotent(request_.head().method) || upstream_->request_unacked());
}

// Nothing was sent: all that was to be sent is still in the buffer of the connection that failed.
bool Stream::try_elsewhere() {
  if (target_->pools.size() < 2) return false;
  const std::unique_ptr<Upstream> failed = std::move(upstream_);
  if (!attach()) return false;
  upstream_->begin_request();
  upstream_->channel().send(failed->channel().unsent());
  return true;
}

void Stream::connect_failed() {
  upstream_.reset();
  fail(503, Ending::kConnectFailed, "connect_failed");
}

}  // namespace sluice::proxy
