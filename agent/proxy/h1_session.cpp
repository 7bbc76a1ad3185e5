// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/h1_session.hpp"

#include <sys/socket.h>

#include <algorithm>

#include "agent/http/request_line.hpp"
#include "agent/net/socket.hpp"
#include "agent/proxy/h1_options.hpp"
#include "agent/proxy/opaque_relay.hpp"
#include "agent/proxy/stream.hpp"

namespace sluice::proxy {
namespace {

constexpr int kStepsPerTurn = 32;  // of at most one buffer each
constexpr Milliseconds kLingerTimeout{2000};
constexpr std::uint64_t kLingerBytes = 1024 * 1024;

}  // namespace

H1Session::H1Session(Context& context, UniqueFd client, const SocketAddress& peer,
                     const SocketAddress& local)
    : context_(context),
      client_(context.memory, &context.report.bytes_received, &context.report.bytes_sent),
      output_(context.compose),
      timer_(context.reactor, [this] { on_timer(); }),
      peer_(peer),
      local_(local),
      since_(context.reactor.now()) {
  client_.attach(std::move(client));
  context_.add(*this);
  const snapshot::Listener* const served = listener();
  steerable_ = served != nullptr && served->tier == snapshot::Tier::kConnection;
}

void H1Session::resume(std::string_view input, std::uint64_t requests, SteerUpstream endpoint) {
  client_.give(input);
  requests_ = requests;
  tail_ = std::make_unique<Tail>(context_, *this, std::move(endpoint));
}

void H1Session::on_ready(std::uint32_t events) {
  if ((events & EPOLLIN) != 0 && !pipelined_ && is_answering()) pipelined_ = has_data();
  client_.note(events);
  drive();
}

bool H1Session::is_answering() const {
  return stream_ != nullptr && request_done_ && !stream_->done();
}

// Data while an answer is under way: the client does not wait for answers. The event alone does not say so: it may
// tell of bytes that were read in this very turn, when the upstream's event came first.
bool H1Session::has_data() const {
  char byte = 0;
  return recv(client_.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void H1Session::drive() {
  int steps = 0;
  while (state_ != State::kClosed && step()) {
    if (++steps < kStepsPerTurn) continue;
    context_.drive_later(*this);
    break;
  }
  settle();
}

bool H1Session::step() {
  const bool flushed = client_.flush();
  if (state_ != State::kOpen) return step_closing() || flushed;
  if (tail_ != nullptr && step_tail()) return true;
  if (stream_ == nullptr) return read_request() || flushed;
  if (stream_->done()) {
    drop_request();
    return true;
  }
  return stream_->step() || flushed;
}

// The endpoint that the kernel had carried the connection to has the word as long as nobody else has begun to answer.
bool H1Session::step_tail() {
  if (client_.has_output()) return false;
  const std::string_view late = tail_->input();
  if (!late.empty()) {
    pass_on(late);
    return true;
  }
  if (!tail_->over()) return false;
  // An end behind something that was passed on belongs to that answer. One without closes a connection that was idle,
  // and the client, whose own is another one, is not concerned.
  if (tail_->has_spoken()) {
    reset_ = tail_->broken();
    state_ = reset_ ? State::kClosed : State::kClosing;
  }
  tail_.reset();
  return true;
}

// Behind a request that is under way it would pass for the answer to that one.
void H1Session::pass_on(std::string_view late) {
  if (stream_ == nullptr && parser_ == nullptr && !client_.has_input()) {
    client_.send(late);
    tail_->take(late);
    touch();
    return;
  }
  tail_->take(late);
  context_.count(Ending::kLateAnswer);
  reset_ = true;
  state_ = State::kClosed;
}

// The kernel saw a boundary where there was none: the endpoint answered before it had read the whole request.
void H1Session::join_tail(std::string_view bytes) {
  client_.unwatch(context_.reactor);
  auto* const relay =
      new OpaqueRelay(context_, std::move(client_.descriptor()), tail_->release(), bytes);
  relay->hold(give_place());
  context_.drive_later(*relay);
  handed_over();
}

bool H1Session::read_request() {
  if (client_.send_failed()) {
    state_ = State::kClosed;
    return true;
  }
  if (client_.has_output()) return false;
  const std::string_view bytes = client_.input();
  if (bytes.empty()) {
    const bool gone = client_.ended() || client_.receive_failed();
    if (gone && parser_ != nullptr) context_.count(Ending::kClientClosed);
    if (gone) state_ = State::kClosed;
    return false;
  }
  if (tail_ != nullptr && parser_ == nullptr && !http::looks_like_request(bytes)) {
    join_tail(bytes);
    return true;
  }
  if (parser_ == nullptr) {
    parser_ = context_.acquire_parser();
    parser_->configure(h1_options(context_.options.http, listener()));
    touch();
  }
  const http::H1Progress progress = parser_->next(bytes);
  if (progress.event == http::H1Event::kNeedMore) {
    client_.keep(bytes, progress.consumed, true);
    return true;
  }
  bytes_ = bytes;
  consumed_ = progress.consumed;
  ++requests_;
  ++context_.report.requests;
  begin_request();
  if (progress.event == http::H1Event::kHead) {
    reading_ = true;
    stream_->start();
    if (reading_) keep();
  } else {
    client_.keep(bytes, bytes.size());
    stream_->refuse();
  }
  context_.report.desync.count(parser_->verdict());
  counted_ = true;
  return true;
}

void H1Session::begin_request() {
  request_done_ = keep_alive_ = counted_ = false;
  answer_body_ = http::BodyKind::kNone;
  body_written_ = 0;
  touch();
  stream_ = context_.acquire_stream();
  stream_->begin(*this);
}

bool H1Session::step_closing() {
  if (state_ == State::kLinger) return discard();
  if (client_.send_failed() || client_.broken()) {
    state_ = State::kClosed;
  } else if (!client_.has_output()) {
    drop_request();
    if (linger_ && !client_.ended()) {
      shutdown(client_.fd(), SHUT_WR);
      state_ = State::kLinger;
      touch();
      return true;
    }
    state_ = State::kClosed;
  }
  return false;
}

bool H1Session::discard() {
  const std::string_view bytes = client_.input();
  lingered_ += bytes.size();
  client_.keep(bytes, bytes.size());
  if (bytes.empty() && !client_.ended() && !client_.receive_failed()) return false;
  if (bytes.empty() || lingered_ > kLingerBytes) state_ = State::kClosed;
  return true;
}

const snapshot::Listener* H1Session::listener() {
  const Generation* const generation = context_.generation.get();
  if (generation == nullptr) return nullptr;
  if (listener_serial_ != generation->serial()) {
    listener_ = generation->snapshot().find_listener(local_);
    listener_serial_ = generation->serial();
  }
  return listener_;
}

void H1Session::drop_request() {
  if (stream_ != nullptr) {
    stream_->end();
    context_.release_stream(stream_);
  }
  if (parser_ != nullptr) context_.release_parser(parser_);
  stream_ = nullptr;
  parser_ = nullptr;
}

void H1Session::settle() {
  if (state_ != State::kClosed && stream_ != nullptr && !stream_->settle()) {
    state_ = State::kClosed;
  }
  if (state_ != State::kClosed && tail_ != nullptr && !tail_->watch()) state_ = State::kClosed;
  if (state_ == State::kClosed || !client_.watch(context_.reactor, *this)) {
    destroy();
    return;
  }
  if (parser_ == nullptr) client_.release_buffers();
  arm(deadline());
}

void H1Session::destroy() {
  drop_request();
  if (!handed_over_) {
    if (const auto* const served = listener(); context_.steering && served != nullptr) {
      context_.steering->connection_finished(context_.generation->listener_id(*served), requests_);
    }
    if (reset_) net::reset_on_close(client_.fd());
    client_.close(context_.reactor);
  }
  context_.remove(*this);
  delete this;
}

void H1Session::close_now() { destroy(); }

// An idle connection is not closed at once: a request may be on its way, and would be lost. Its answer says
// Connection: close (RFC 9112 9.6), after which the client opens a connection to whoever listens now.
void H1Session::drain(TimePoint idle_end) {
  idle_end_ = idle_end;
  drive();
}

TimePoint H1Session::deadline() const {
  switch (state_) {
    case State::kLinger:
      return since_ + kLingerTimeout;
    case State::kOpen:
      if (stream_ != nullptr) return stream_->deadline();
      if (parser_ != nullptr) return since_ + context_.options.head_timeout;
      return std::min(since_ + context_.options.idle_timeout, idle_end_);
    case State::kClosing:
    case State::kClosed:
      break;
  }
  return since_ + context_.options.stream_timeout;
}

void H1Session::arm(TimePoint deadline) {
  // A deadline only moves away while there is progress, so the timer is left alone until it fires and then set anew:
  // steady traffic never touches the wheel.
  if (timer_.armed() && armed_ <= deadline) return;
  const TimePoint now = context_.reactor.now();
  armed_ = deadline;
  timer_.arm(deadline > now ? std::chrono::ceil<Milliseconds>(deadline - now) : Milliseconds(0));
}

void H1Session::on_timer() {
  if (context_.reactor.now() >= deadline()) on_deadline();
  drive();
}

void H1Session::on_deadline() {
  if (state_ == State::kOpen && stream_ != nullptr) {
    stream_->on_timeout();
  } else if (state_ == State::kOpen && parser_ != nullptr) {
    begin_request();
    stream_->refuse_late();
  } else {
    if (state_ == State::kClosing) context_.count(Ending::kBodyTimeout);
    reset_ = state_ == State::kClosing;
    state_ = State::kClosed;
  }
}

}  // namespace sluice::proxy
