// SPDX-License-Identifier: Apache-2.0
// How a stream gets its exchange, and what it does when that one fails.
#include "agent/proxy/stream.hpp"
#include "agent/base/log.hpp"

namespace sluice::proxy {
namespace {

// A kept connection that was used within this time is hardly ever closed at this very moment: servers keep idle ones
// for 2 s and more by default. A request that cannot be repeated goes to a younger one or to a new one.
constexpr Milliseconds kFresh{1'000};

}  // namespace

// An exchange with an endpoint that was not tried yet, while there is one.
Stream::Attached Stream::attach() {
  const auto endpoint =
      target_->use->pick({.hash = affinity_.hash,
                          .excluded = load_.tried(),
                          .other_localities = attempts_ > 0 && retry_.policy().other_localities,
                          .now = context_.reactor.now()});
  if (!endpoint) return attempts_ == 0 ? Attached::kNoEndpoint : Attached::kFailed;
  ++attempts_;
  load_.begin_attempt(*endpoint);
  return attach_to(*endpoint);
}

// A kept connection, for a request that is here as a whole: it may turn out to be closed, and then the request is sent
// again if it may be (RFC 9110 9.2.2). Where it may not, the connection has to be fresh and is looked at first.
std::unique_ptr<Upstream> Stream::take_kept(bool steerable) {
  if (!request_done_) return nullptr;
  const auto client = client_to_show();
  if (is_idempotent(downstream_->head().method))
    return pool_->take(steerable, std::chrono::hours(1), client);
  while (auto upstream = pool_->take(steerable, kFresh, client)) {
    if (upstream->still_open()) return upstream;
  }
  return nullptr;
}

std::optional<IpAddress> Stream::client_to_show() const {
  if (!listener_->preserve_client || !context_.steering) return std::nullopt;
  return downstream_->peer().ip;
}

bool Stream::own_ports() const {
  return context_.steering &&
         (listener_->tier == snapshot::Tier::kConnection || listener_->preserve_client);
}

Stream::Attached Stream::attach_to(std::uint32_t endpoint) {
  const bool steerable = own_ports();
  pool_ = &target_->use->pool(endpoint);
  std::unique_ptr<Upstream> upstream = take_kept(steerable);
  if (upstream == nullptr) {
    if (!load_.begin_pending()) return Attached::kOverflow;
    auto connected = pool_->connect(steerable, 0, request_done_, client_to_show());
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
    hold_body();
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
  if (upstream->announce(downstream_->peer(), downstream_->local()))
    downstream_->head().isolate = true;
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
  // Until it is known that the connection works, and longer where answers may lead to a retry.
  if (exchange_->reused() || !exchange_->connected() || retry_.keeps_body()) {
    hold_body();
  } else if (!body_.empty()) {
    whole_ = false;
  }
}

// The endpoint closed, or sending or receiving failed.
bool Stream::upstream_ended() {
  if (response_began_) {
    give_up(Ending::kTruncated, false);
    return true;
  }
  if (!exchange_->connected()) {
    ++target_->report->connect_failures;
    load_.failed(context_.reactor.now());
    connect_failed();
    return true;
  }
  const bool silent = !exchange_->response_began();
  if (silent && exchange_->reused() && may_repeat()) {
    repeat();
    return true;
  }
  load_.failed(context_.reactor.now());
  attempt_failed({Retry::Failure::kReset, silent && exchange_->untouched(), 502,
                  Ending::kUpstreamReset, "upstream_reset"});
  return true;
}

// The endpoint closed the kept connection while the request was on its way: not the client's concern.
void Stream::repeat() {
  log::debug("proxy", "{}: kept connection was closed, sending again", to_string(pool_->address()));
  const bool steerable = exchange_->connection()->steerable();
  exchange_.reset();
  auto connected = pool_->connect(steerable, 0, false, client_to_show());
  if (!connected && connected.error().code == ErrorCode::kExhausted) {
    // Another worker was faster to take the place of the one that closed.
    send_request();
    return;
  }
  if (!connected) {
    ++target_->report->connect_failures;
    load_.failed(context_.reactor.now());
    connect_failed();
    return;
  }
  adopt(std::move(*connected));
  send_request();
}

bool Stream::may_repeat() const {
  return request_done_ && (is_idempotent(downstream_->head().method) || exchange_->untouched());
}

// Nothing was sent: all that was to be sent is still here.
void Stream::connect_failed() {
  attempt_failed({Retry::Failure::kConnect, true, 503, Ending::kConnectFailed, "connect_failed"});
}

}  // namespace sluice::proxy
