// SPDX-License-Identifier: Apache-2.0
// The request side of a stream: head, routing, and the body on its way to the endpoint.
#include <array>

#include "agent/base/log.hpp"
#include "agent/proxy/session.hpp"
#include "agent/proxy/stream.hpp"

namespace sluice::proxy {

using http::BodyKind;
using http::H1Event;

void Stream::on_head_bytes(std::string_view bytes) {
  Channel& client = session_->client();
  const http::H1Progress progress = request_.next(bytes);
  if (progress.event == H1Event::kNeedMore) {
    client.keep(bytes, progress.consumed, true);
    return;
  }
  std::size_t consumed = progress.consumed;
  const auto body = progress.event == H1Event::kHead ? collect(bytes, consumed) : std::nullopt;
  session_->count_request();
  context_.report.desync.count(request_.verdict());
  session_->touch();
  if (!body) {
    client.keep(bytes, bytes.size());
    bad_request();
    return;
  }
  if (consumed < bytes.size()) session_->mark_pipelined();
  dispatch(bytes.substr(0, consumed), *body);
  client.keep(bytes, consumed);
}

// The part of the body that came with the head: as one piece, in place where possible. nullopt: it is malformed.
std::optional<std::string_view> Stream::collect(std::string_view bytes, std::size_t& consumed) {
  std::string_view body;
  body_.clear();
  for (;;) {
    const http::H1Progress progress = request_.next(bytes.substr(consumed));
    consumed += progress.consumed;
    if (progress.event == H1Event::kBody) {
      if (body.empty()) {
        body = progress.body;
        continue;
      }
      if (body_.empty()) body_.assign(body);
      body_.append(progress.body);
      continue;
    }
    if (progress.event == H1Event::kError) return std::nullopt;
    request_done_ = progress.event == H1Event::kComplete;
    return body_.empty() ? body : std::string_view(body_);
  }
}

void Stream::dispatch(std::string_view raw, std::string_view body) {
  if (!route()) return;
  ++target_->report->picks;
  rewrite_head();
  if (!offer(raw, body)) send_request(body);
}

// Decides where the request goes; false once it was answered here.
bool Stream::route() {
  const http::RequestHead& head = request_.head();
  generation_ = context_.use_generation();
  listener_ = session_->listener();
  if (listener_ == nullptr) {
    request_.head().keep_alive = false;  // nothing will ever be served here
    fail(404, Ending::kNoListener, "no_listener");
    return false;
  }
  if (head.method == "CONNECT") {
    fail(501, Ending::kBadRequest, "connect_unsupported");
    return false;
  }
  const auto decision = listener_->routes.match(head);
  if (!decision) {
    fail(404, Ending::kNoRoute, "no_route");
    return false;
  }
  const std::uint32_t set = listener_->route_sets[decision->route_id];
  if (generation_->snapshot().destination_sets[set]->shares.empty()) {
    fail(500, Ending::kNoDestination, "no_destination");
    return false;
  }
  target_ = generation_->pick(set);
  if (target_ == nullptr || target_->pools.empty()) {
    fail(503, Ending::kNoEndpoint, "no_endpoint");
    return false;
  }
  return true;
}

void Stream::rewrite_head() {
  http::RequestHead& head = request_.head();
  // RFC 9112 3.2.2: the host of an absolute-form target replaces what Host says.
  if (!head.target.starts_with('/') && !head.authority.empty() &&
      head.headers.get("Host") != head.authority) {
    head.headers.set("Host", head.authority);
  }
  rewritten_ =
      http::strip_hop_by_hop(head.headers) || !head.target.starts_with('/') || head.repaired;
  // RFC 9110 10.1.1: an HTTP/1.0 client cannot understand the interim answer.
  if (head.minor_version == 0) head.headers.remove("Expect");
  if (listener_->add_forwarded_headers) add_forwarded();
}

void Stream::add_forwarded() {
  http::RequestHead& head = request_.head();
  // Overwritten, not appended to: nothing says that the client may be believed.
  head.headers.set("X-Forwarded-For", to_string(session_->peer().ip));
  head.headers.set("X-Forwarded-Proto", "http");
  head.headers.set("X-Forwarded-Host", head.authority);
  if (!head.headers.has("X-Request-Id")) {
    std::string id;
    context_.append_request_id(id);
    head.headers.add("X-Request-Id", id);
  }
}

bool Stream::pump_request() {
  Channel& to = upstream_->channel();
  if (request_done_ || to.has_output() || to.send_failed()) return false;
  Channel& client = session_->client();
  const std::string_view bytes = client.input();
  if (bytes.empty()) {
    if (!client.ended() && !client.receive_failed()) return false;
    give_up(Ending::kClientClosed, false);
    return true;
  }
  const BodyKind kind = request_.head().body;
  std::string& text = context_.compose;
  text.clear();
  std::string_view tail;
  std::size_t consumed = 0;
  H1Event event = H1Event::kBody;
  while (event == H1Event::kBody) {
    const http::H1Progress progress = request_.next(bytes.substr(consumed));
    consumed += progress.consumed;
    event = progress.event;
    if (event == H1Event::kBody) tail = frame(kind, progress.body, text);
  }
  if (event == H1Event::kError) {
    client.keep(bytes, bytes.size());
    context_.report.desync.count_refusal(request_.error().code);  // the head has been counted
    bad_request();
    return true;
  }
  request_done_ = event == H1Event::kComplete;
  if (request_done_ && kind == BodyKind::kChunked) {
    http::write_last_chunk(request_.trailers(), text);
  }
  to.send(text, tail);
  if (consumed < bytes.size()) session_->mark_pipelined();
  client.keep(bytes, consumed);
  session_->touch();
  return true;
}

void Stream::bad_request() {
  const http::H1Error& error = request_.error();
  log::debug("proxy", "{}: {} [{}]", to_string(session_->peer()), error.message, error.reason);
  request_done_ = false;  // nobody knows where the next request would begin
  fail(error.status, Ending::kBadRequest, error.reason);
}

}  // namespace sluice::proxy
