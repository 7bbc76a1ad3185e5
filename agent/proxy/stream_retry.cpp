// SPDX-License-Identifier: Apache-2.0
// Attempts after the first one: when an attempt has failed, and what is done then; and the route's timeouts, which are
// one reason. The first that holds: the whole request's (Route::timeout), an attempt's (RetryPolicy::per_try_timeout),
// connecting (ConnectionPool::connect_timeout).
#include <algorithm>

#include "agent/base/log.hpp"
#include "agent/proxy/stream.hpp"

namespace sluice::proxy {
namespace {

// Of the body of a request that may be sent again. A longer one is sent once (report.retries_too_large).
constexpr std::size_t kHeldBody = 64 * 1024;

}  // namespace

// The answer is `status`, unless there is another attempt.
void Stream::attempt_failed(const Failure& failure) {
  const bool again = !response_began_ && retry_.wants(failure.kind, failure.untouched) && whole_ &&
                     load_.begin_retry();
  if (!again) {
    exchange_.reset();
    fail(failure.status, failure.ending, failure.reason);
    return;
  }
  log::debug("proxy", "{}: {}, trying again", to_string(pool_->address()), failure.reason);
  if (exchange_) exchange_->reset_on_close();
  const Milliseconds delay = retry_.next_delay(context_.random());
  // An endpoint that could not be reached knows nothing of us, and the next one is another: nobody is spared by a wait.
  const bool elsewhere = load_.tried().size() < target_->use->size();
  try_again(failure.kind == Retry::Failure::kConnect && elsewhere ? Milliseconds(0) : delay);
}

// True: this answer is dropped and another one is asked for.
bool Stream::retry_answer(const http::ResponseHead& head) {
  if (!retry_.wants(head) || !whole_ || !load_.begin_retry()) return false;
  log::debug("proxy", "{}: status {}, trying again", to_string(pool_->address()), head.status);
  downstream_->flush();  // interim answers came before this one
  drop_answer();
  try_again(retry_.next_delay(context_.random()));
  return true;
}

// The connection is kept if the rest of the answer is here already.
void Stream::drop_answer() {
  MessageEvent event;
  do {
    event = exchange_->next();
  } while (event.kind == MessageEvent::Kind::kData);
  if (event.kind == MessageEvent::Kind::kEnd) {
    exchange_->finish();
  } else {
    exchange_->reset_on_close();
  }
}

void Stream::try_again(Milliseconds delay) {
  ++context_.report.retries;
  exchange_.reset();
  hold_body();
  const model::RetryPolicy& policy = retry_.policy();
  // Where those were says which localities were tried.
  if (!policy.ignore_previous_hosts && !policy.other_localities) load_.forget_tried();
  delayed_until_ = context_.reactor.now() + delay;
  phase_ = Phase::kBackoff;
  touch();
}

// What came with the head moves to where it stays.
void Stream::hold_body() {
  if (body_.data() == kept_.view().data()) return;
  kept_.clear();
  kept_.append(body_);
  body_ = kept_.view();
}

void Stream::hold_more(std::string_view data) {
  if (!whole_) return;
  whole_ = retry_.keeps_body() && kept_.size() + data.size() <= kHeldBody;
  if (whole_) {
    kept_.append(data);
    body_ = kept_.view();
  } else if (retry_.keeps_body()) {
    ++context_.report.retries_too_large;
    kept_.release();
    body_ = {};
  }
}

TimePoint Stream::connect_deadline() const {
  if (exchange_ == nullptr || exchange_->connected()) return TimePoint::max();
  return attached_at_ + std::min(pool_->policy().connection_pool.connect_timeout,
                                 context_.options.connect_timeout);
}

// Of the attempt: for the endpoint in use to be connected and to send the head of an answer.
TimePoint Stream::try_deadline() const {
  const bool waits = exchange_ != nullptr && !response_began_;
  // A client that takes its time to send is not the endpoint's fault.
  if (!waits || !request_done_ || !retry_.policy().per_try_timeout) return TimePoint::max();
  return std::max(attached_at_, complete_at_) + *retry_.policy().per_try_timeout;
}

TimePoint Stream::route_deadline() const {
  if (!request_done_ || !decision_ || !decision_->route->timeout) return TimePoint::max();
  return complete_at_ + *decision_->route->timeout;
}

void Stream::on_route_timeout() {
  load_.failed(context_.reactor.now());
  if (exchange_) exchange_->reset_on_close();
  fail(504, Ending::kUpstreamTimeout, "upstream_timeout");
}

// False: it was not the attempt that took too long.
bool Stream::on_attempt_timeout(TimePoint now) {
  const TimePoint connect = connect_deadline();
  const TimePoint attempt = try_deadline();
  if (std::min(connect, attempt) > now) return false;
  load_.failed(now);
  const bool connected = exchange_->connected();
  if (!connected) ++target_->report->connect_failures;
  if (connect <= attempt) {
    connect_failed();
  } else {
    // Too late is too late, wherever the time went; but what was not connected may be tried again as such.
    attempt_failed({connected ? Retry::Failure::kReset : Retry::Failure::kConnect, !connected, 504,
                    Ending::kUpstreamTimeout, "upstream_timeout"});
  }
  return true;
}

}  // namespace sluice::proxy
