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

// An exchange with an endpoint that was not tried yet, while there is one.
Stream::Attached Stream::attach() {
  Attached result = Attached::kFailed;
  while (attempts_++ < kMaxAttempts) {
    const auto endpoint = target_->use->pick(
        {.hash = affinity_.hash, .excluded = load_.tried(), .now = context_.reactor.now()});
    if (!endpoint) return attempts_ == 1 ? Attached::kNoEndpoint : Attached::kFailed;
    load_.begin_attempt(*endpoint);
    result = attach_to(*endpoint);
    if (result != Attached::kFailed) break;
  }
  return result;
}

// A kept connection only for a request that is here as a whole: it may turn out to be closed, and then the request is
// sent again.
Stream::Attached Stream::attach_to(std::uint32_t endpoint) {
  const bool steerable = context_.steering && listener_->tier == snapshot::Tier::kConnection;
  pool_ = &target_->use->pool(endpoint);
  const bool kept_will_do = request_done_ && attempts_ == 1;
  std::unique_ptr<Upstream> upstream;
  if (kept_will_do) upstream = pool_->take(steerable);
  if (upstream == nullptr) {
    if (!load_.begin_pending()) return Attached::kOverflow;
    auto connected = pool_->connect(steerable, 0, kept_will_do);
    if (!connected && connected.error().code == ErrorCode::kExhausted) {
      load_.undo_attempt();
      --attempts_;
      return Attached::kWaits;
    }
    if (!connected) {
      ++target_->report->connect_failures;
      load_.failed(context_.reactor.now());
      log::debug("proxy", "{}", connected.error().message);
      return Attached::kFailed;
    }
    upstream = std::move(*connected);
  }
  adopt(std::move(upstream));
  return Attached::kYes;
}

// False: the request waits for a connection, or was answered.
bool Stream::attach_or_end() {
  const Attached attached = attach();
  if (attached == Attached::kWaits) {
    if (phase_ == Phase::kWait) return false;
    // Other connections will be read before this goes on.
    if (body_.data() != kept_.data()) kept_.assign(body_);
    body_ = kept_;
    phase_ = Phase::kWait;
    touch();
    context_.queue.join(target_->use->record(), *this);
    return false;
  }
  leave_queue();
  phase_ = Phase::kRelay;
  switch (attached) {
    case Attached::kYes:
      return true;
    case Attached::kOverflow:
      fail(503, Ending::kOverflow, "upstream_overflow");
      break;
    case Attached::kNoEndpoint:
      fail(503, Ending::kNoEndpoint, "no_endpoint");
      break;
    case Attached::kWaits:
    case Attached::kFailed:
      connect_failed();
      break;
  }
  return false;
}

void Stream::leave_queue() {
  if (phase_ == Phase::kWait) context_.queue.leave(target_->use->record(), *this);
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
  if (exchange_ == nullptr && !attach_or_end()) return;
  phase_ = Phase::kRelay;
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
      load_.failed(context_.reactor.now());
      if (!try_elsewhere()) connect_failed();
      return true;
    }
    if (exchange_->reused() && may_repeat()) {
      repeat();
      return true;
    }
  }
  load_.failed(context_.reactor.now());
  fail(502, Ending::kUpstreamReset, "upstream_reset");
  return true;
}

// The endpoint closed the kept connection while the request was on its way: not the client's concern.
void Stream::repeat() {
  log::debug("proxy", "{}: kept connection was closed, sending again", to_string(pool_->address()));
  const bool steerable = exchange_->connection()->steerable();
  exchange_.reset();
  auto connected = pool_->connect(steerable, 0);
  if (!connected && connected.error().code == ErrorCode::kExhausted) {
    // Another worker was faster to take the place of the one that closed.
    attempts_ = 0;
    send_request();
    return;
  }
  if (!connected) {
    ++target_->report->connect_failures;
    connect_failed();
    return;
  }
  adopt(std::move(*connected));
  send_request();
}

bool Stream::may_repeat() const {
  return request_done_ && (is_idempotent(downstream_->head().method) || exchange_->unacked());
}

// Nothing was sent: all that was to be sent is still here.
bool Stream::try_elsewhere() {
  if (target_->use->size() < 2) return false;
  exchange_.reset();
  send_request();
  return true;
}

void Stream::connect_failed() {
  exchange_.reset();
  fail(503, Ending::kConnectFailed, "connect_failed");
}

}  // namespace sluice::proxy
