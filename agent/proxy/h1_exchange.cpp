// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/h1_exchange.hpp"

#include "agent/proxy/context.hpp"
#include "agent/proxy/endpoint_pool.hpp"

namespace sluice::proxy {

using Kind = MessageEvent::Kind;

H1Exchange::H1Exchange(Context& context)
    : context_(context), parser_(context.options.http.limits), output_(context.compose) {}

H1Exchange::~H1Exchange() = default;

void H1Exchange::begin(std::unique_ptr<Upstream> upstream) {
  upstream_ = std::move(upstream);
  upstream_->use(this);
  bytes_ = {};
  reading_ = final_ = request_ended_ = reusable_ = false;
}

void H1Exchange::release() {
  output_.discard();
  upstream_.reset();
  user_ = nullptr;
  context_.release_exchange(this);
}

void H1Exchange::write_head(const http::RequestHead& head) {
  method_.assign(head.method);
  parser_.reset(method_);
  request_body_ = head.body;
  isolated_ = head.isolate;
  upstream_->begin_request();
  http::write_request_head(head, output_.text());
}

void H1Exchange::write_end(const http::HeaderMap* trailers) {
  output_.end(request_body_, trailers);
  request_ended_ = true;
}

bool H1Exchange::can_write() const {
  const Channel& channel = upstream_->channel();
  return !channel.has_output() && !channel.send_failed();
}

bool H1Exchange::read() {
  bytes_ = upstream_->channel().input();
  consumed_ = 0;
  reading_ = !bytes_.empty();
  return reading_;
}

void H1Exchange::keep(bool starved) {
  upstream_->channel().keep(bytes_, consumed_, starved);
  reading_ = false;
}

MessageEvent H1Exchange::next() {
  if (!reading_ && !read()) return closed();
  for (;;) {
    const http::H1Progress progress = parser_.next(bytes_.substr(consumed_));
    consumed_ += progress.consumed;
    switch (progress.event) {
      case http::H1Event::kHead:
        final_ = parser_.head().status >= 200;
        reusable_ = parser_.head().keep_alive;
        return {Kind::kHead};
      case http::H1Event::kBody:
        return {Kind::kData, progress.body};
      case http::H1Event::kComplete:
        if (!final_) {  // interim; RFC 9110 15.2
          parser_.reset(method_);
          break;
        }
        // More bytes answer no request: this connection cannot be trusted with another one.
        reusable_ = reusable_ && !isolated_ && request_ended_ && consumed_ == bytes_.size();
        keep();
        return {Kind::kEnd, {}, &parser_.trailers()};
      case http::H1Event::kNeedMore:
        keep(consumed_ < bytes_.size());
        return {Kind::kMore};
      case http::H1Event::kError:
        keep();
        return {Kind::kInvalid};
    }
  }
}

MessageEvent H1Exchange::closed() {
  const Channel& channel = upstream_->channel();
  if (!channel.ended() && !channel.receive_failed() && !channel.send_failed()) {
    return {Kind::kNone};
  }
  reusable_ = false;
  const bool complete = final_ && !channel.receive_failed() && parser_.finish();
  return {complete ? Kind::kEnd : Kind::kClosed};
}

void H1Exchange::finish() {
  const Channel& channel = upstream_->channel();
  upstream_->use(nullptr);
  if (!reusable_ || channel.has_output() || channel.closing()) return;
  EndpointPool& pool = upstream_->pool();
  pool.put(std::move(upstream_));
}

}  // namespace sluice::proxy
