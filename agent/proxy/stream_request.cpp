// SPDX-License-Identifier: Apache-2.0
// The request side of a stream: filters, routing, and the body on its way to the endpoint.
#include "agent/base/log.hpp"
#include "agent/proxy/stream.hpp"

namespace sluice::proxy {

using Kind = MessageEvent::Kind;

namespace {
const model::RetryPolicy kDefaultRetries;
}

void Stream::start() {
  generation_ = context_.use_generation();
  listener_ = downstream_->listener();
  filter_request_.listener = listener_;
  filter_request_.generation = generation_;
  if (collect()) {
    dispatch();
  } else {
    bad_request();
  }
}

// The part of the body that came with the head: as one piece, in place where possible. False: it is malformed.
bool Stream::collect() {
  kept_.clear();
  for (;;) {
    const MessageEvent event = downstream_->next();
    switch (event.kind) {
      case Kind::kData:
        if (record_) record_->bytes_received += event.data.size();
        if (body_.empty()) {
          body_ = event.data;
          break;
        }
        hold_body();
        kept_.append(event.data);
        body_ = kept_.view();
        break;
      case Kind::kEnd:
        request_done_ = true;
        complete_at_ = context_.reactor.now();
        request_trailers_ = event.trailers;
        return true;
      case Kind::kNone:
      case Kind::kMore:
        return true;
      case Kind::kHead:
      case Kind::kInvalid:
      case Kind::kClosed:
        return false;
    }
  }
}

// Called again after a delay.
void Stream::dispatch() {
  phase_ = Phase::kStart;
  if (!decision_ && !route()) return;
  if (!filter(filters_.on_request(filter_request_)) || !pick()) return;
  Promotable* const client = downstream_->promotable();
  if (client == nullptr || !offer(*client)) send_request();
}

// Decides where the request goes; false once it was answered here, or has to wait.
bool Stream::route() {
  const http::RequestHead& head = downstream_->head();
  if (listener_ == nullptr) {
    downstream_->head().keep_alive = false;  // nothing will ever be served here
    fail(404, Ending::kNoListener, "no_listener");
    return false;
  }
  if (head.method == "CONNECT") {
    fail(501, Ending::kBadRequest, "connect_unsupported");
    return false;
  }
  if (!filter(filters_.on_head(filter_request_))) return false;
  decision_ = listener_->routes.match(head);
  if (!decision_) {
    fail(404, Ending::kNoRoute, "no_route");
    return false;
  }
  filter_request_.route = &*decision_;
  return true;
}

// Does what a filter asks for; true: goes on.
bool Stream::filter(FilterResult result) {
  switch (result.kind) {
    case FilterResult::Kind::kContinue:
      return true;
    case FilterResult::Kind::kAnswer:
      answer(filters_.answer());
      break;
    case FilterResult::Kind::kDelay:
      // Other connections will be read before this goes on.
      hold_body();
      delayed_until_ = context_.reactor.now() + result.delay;
      phase_ = Phase::kDelay;
      break;
  }
  return false;
}

bool Stream::pick() {
  const std::uint32_t set = listener_->route_sets[decision_->route_id];
  if (generation_->snapshot().destination_sets[set]->shares.empty()) {
    fail(500, Ending::kNoDestination, "no_destination");
    return false;
  }
  target_ = pick_target(*generation_, set,
                        {downstream_->head(), filters_.client(), context_.random}, affinity_);
  if (target_ != nullptr && target_->share->invalid) {
    fail(500, Ending::kNoDestination, "no_destination");
    return false;
  }
  if (target_ == nullptr || target_->use->size() == 0) {
    fail(503, Ending::kNoEndpoint, "no_endpoint");
    return false;
  }
  if (!load_.begin(*target_->use)) {
    fail(503, Ending::kOverflow, "upstream_overflow");
    return false;
  }
  ++target_->report->picks;
  rewrite_head();
  const auto& policy = decision_->route->retries;
  retry_.begin(policy ? *policy : kDefaultRetries, downstream_->head());
  filters_.on_destination(filter_request_, *target_->share);
  if (filters_.wants_body() && (!body_.empty() || request_done_)) {
    filters_.on_request_body(body_, request_done_);
  }
  return true;
}

void Stream::rewrite_head() {
  http::RequestHead& head = downstream_->head();
  // RFC 9112 3.2.2: the host of an absolute-form target replaces what Host says.
  if (!head.target.starts_with('/') && !head.authority.empty() &&
      head.headers.get("Host") != head.authority) {
    head.headers.set("Host", head.authority);
  }
  rewritten_ =
      http::strip_hop_by_hop(head.headers) || !head.target.starts_with('/') || head.repaired;
  // RFC 9110 10.1.1: an HTTP/1.0 client cannot understand the interim answer.
  if (head.minor_version == 0) head.headers.remove("Expect");
}

bool Stream::pump_request() {
  if (request_done_ || !exchange_->can_write()) return false;
  for (;;) {
    const MessageEvent event = downstream_->next();
    switch (event.kind) {
      case Kind::kData:
        if (record_) record_->bytes_received += event.data.size();
        if (filters_.wants_body()) filters_.on_request_body(event.data, false);
        hold_more(event.data);
        exchange_->write_body(event.data);
        continue;
      case Kind::kEnd:
        request_done_ = true;
        complete_at_ = context_.reactor.now();
        request_trailers_ = event.trailers;
        exchange_->write_end(event.trailers);
        exchange_->flush();
        if (filters_.wants_body()) filters_.on_request_body({}, true);
        touch();
        return true;
      case Kind::kMore:
        exchange_->flush();
        touch();
        return true;
      case Kind::kNone:
        return false;
      case Kind::kClosed:
        give_up(Ending::kClientClosed, false);
        return true;
      case Kind::kHead:
      case Kind::kInvalid:
        bad_request();
        return true;
    }
  }
}

void Stream::refuse() { bad_request(); }

void Stream::refuse_late() {
  listener_ = downstream_->listener();
  reply(408, Ending::kHeadTimeout, "head_timeout");
}

void Stream::bad_request() {
  const http::H1Error& error = downstream_->error();
  log::debug("proxy", "{}: {} [{}]", to_string(downstream_->peer()), error.message, error.reason);
  request_done_ = false;  // nobody knows where the next request would begin
  fail(error.status, Ending::kBadRequest, error.reason);
}

}  // namespace sluice::proxy
