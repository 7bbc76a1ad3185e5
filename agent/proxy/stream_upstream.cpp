// SPDX-License-Identifier: Apache-2.0
// How a stream gets its exchange, and what it does when that one fails.
#include "agent/proxy/stream.hpp"
#include "agent/base/log.hpp"

namespace sluice::proxy {
namespace {

constexpr std::uint32_t kMaxAttempts = 3;

// RFC 9110 9.2.2.
bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS" || method == "TRACE";
}

}  // namespace

// An exchange with the endpoint whose turn it is. A kept connection only for a request that is here as a whole: it may
// turn out to be closed, and then the request is sent again.
bool Stream::attach() {
  const bool steerable = context_.steering && listener_->tier == snapshot::Tier::kConnection;
  while (attempts_++ < kMaxAttempts) {
    pool_ = target_->pick_endpoint();
    if (pool_ == nullptr) break;
    const bool kept_will_do = request_done_ && attempts_ == 1;
    std::unique_ptr<Upstream> upstream;
    if (kept_will_do) upstream = pool_->take(steerable);
    if (upstream == nullptr) {
      auto connected = pool_->connect(steerable, 0, kept_will_do);
      if (!connected) {
        ++target_->report->connect_failures;
        log::debug("proxy", "{}", connected.error().message);
        continue;
      }
      upstream = std::move(*connected);
    }
    adopt(std::move(upstream));
    return true;
  }
  return false;
}

void Stream::adopt(std::unique_ptr<Upstream> upstream) {
  announce_client(*upstream);
  exchange_ = context_.make_exchange(std::move(upstream));
  exchange_->use(*this);
  filter_request_.endpoint = &pool_->address();
  attached_at_ = context_.reactor.now();
}

// From the beginning: head and what is held of the body.
void Stream::send_request() {
  phase_ = Phase::kRelay;
  if (exchange_ == nullptr && !attach()) {
    connect_failed();
    return;
  }
  const http::RequestHead& head = downstream_->head();
  exchange_->write_head(head);
  if (!body_.empty()) exchange_->write_body(body_);
  if (request_done_) exchange_->write_end(request_trailers_);
  exchange_->flush();
  if (record_ && sent_at_ == TimePoint()) sent_at_ = precise_now();
  // Until it is known that the connection works.
  if (body_.data() != kept_.data() && (exchange_->reused() || !exchange_->connected())) {
    kept_.assign(body_);
    body_ = kept_;
  }
}

// The endpoint closed, or sending or receiving failed.
bool Stream::upstream_ended() {
  if (response_began_) {
    give_up(Ending::kTruncated, false);
    return true;
  }
  if (!exchange_->response_began()) {
    if (!exchange_->connected()) {
      ++target_->report->connect_failures;
      if (!try_elsewhere()) connect_failed();
      return true;
    }
    if (exchange_->reused() && may_repeat()) {
      repeat();
      return true;
    }
  }
  fail(502, Ending::kUpstreamReset, "upstream_reset");
  return true;
}

// The endpoint closed the kept connection while the request was on its way: not the client's concern.
void Stream::repeat() {
  log::debug("proxy", "{}: kept connection was closed, sending again", to_string(pool_->address()));
  auto connected = pool_->connect(exchange_->connection()->steerable(), 0);
  if (!connected) {
    ++target_->report->connect_failures;
    connect_failed();
    return;
  }
  exchange_.reset();
  adopt(std::move(*connected));
  send_request();
}

bool Stream::may_repeat() const {
  return request_done_ && (is_idempotent(downstream_->head().method) || exchange_->unacked());
}

// Nothing was sent: all that was to be sent is still here.
bool Stream::try_elsewhere() {
  if (target_->pools.size() < 2) return false;
  exchange_.reset();
  if (!attach()) return false;
  send_request();
  return true;
}

void Stream::connect_failed() {
  exchange_.reset();
  fail(503, Ending::kConnectFailed, "connect_failed");
}

}  // namespace sluice::proxy
