// SPDX-License-Identifier: Apache-2.0
// The answer's side of a stream: from the endpoint to the client.
#include <algorithm>

#include "agent/base/log.hpp"
#include "agent/proxy/endpoint_pool.hpp"
#include "agent/proxy/stream.hpp"

namespace sluice::proxy {

using Kind = MessageEvent::Kind;

bool Stream::relay() {
  if (downstream_->gone()) {
    give_up(Ending::kClientClosed, true);
    return true;
  }
  const bool pushed = exchange_->push();
  if (exchange_->connected()) load_.connected();
  if (pushed) touch();
  if (pump_response()) return true;
  return pump_request() || pushed;
}

bool Stream::pump_response() {
  if (!downstream_->can_write()) return false;
  for (;;) {
    const MessageEvent event = exchange_->next();
    switch (event.kind) {
      case Kind::kHead:
        switch (relay_head()) {
          case Relayed::kYes:
            continue;
          case Relayed::kInvalid:
            downstream_->flush();  // interim answers, which stay what they were
            invalid_answer();
            return true;
          case Relayed::kAgain:
            return true;
        }
        break;
      case Kind::kData:
        downstream_->write_body(event.data);
        continue;
      case Kind::kNone:
        return false;
      case Kind::kMore:
        downstream_->flush();
        touch();
        return true;
      case Kind::kEnd:
        downstream_->write_end(event.trailers);
        downstream_->flush();
        finish_response();
        return true;
      case Kind::kInvalid: {
        const http::H1Error& error = exchange_->error();
        log::debug("proxy", "{}: {} [{}]", to_string(pool_->address()), error.message,
                   error.reason);
        downstream_->flush();  // the client gets as much as there was
        invalid_answer();
        return true;
      }
      case Kind::kClosed:
        downstream_->flush();
        return upstream_ended();
    }
  }
}

void Stream::invalid_answer() {
  load_.report(health::Outcome::kGatewayError, context_.reactor.now());
  attempt_failed(
      {Retry::Failure::kReset, false, 502, Ending::kUpstreamInvalid, "upstream_invalid"});
}

Stream::Relayed Stream::relay_head() {
  http::ResponseHead& head = exchange_->head();
  if (head.status == 101) return Relayed::kInvalid;  // nobody asked for another protocol
  if (head.status < 200) {
    http::strip_hop_by_hop(head.headers);
    downstream_->write_head(head);
    return Relayed::kYes;
  }
  load_.answered(head.status, context_.reactor.now());
  if (retry_answer(head)) return Relayed::kAgain;
  http::strip_hop_by_hop(head.headers);
  target_->report->first_bytes.observe(context_.reactor.now() - began_);
  response_began_ = true;
  if (!affinity_.set_cookie.empty()) head.headers.add("Set-Cookie", affinity_.set_cookie);
  if (record_) {
    answered_at_ = precise_now();
    record_->status = head.status;
  }
  ++target_->report->responses[std::min<std::size_t>(head.status / 100U, 5)];
  filters_.on_response_head(filter_request_, head, false);
  downstream_->write_head(head);
  return Relayed::kYes;
}

void Stream::finish_response() {
  load_.end();
  exchange_->finish();
  exchange_.reset();
  phase_ = Phase::kDone;
  downstream_->finish();
}

}  // namespace sluice::proxy
