// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/session.hpp"

#include <sys/socket.h>

#include <algorithm>

#include "agent/net/socket.hpp"
#include "agent/proxy/stream.hpp"

namespace sluice::proxy {
namespace {

constexpr int kStepsPerTurn = 32;  // of at most one buffer each
constexpr Milliseconds kLingerTimeout{2000};
constexpr std::uint64_t kLingerBytes = 1024 * 1024;
constexpr std::uint32_t kPromptOffers = 2;  // refusals after which the very next request is offered
constexpr std::uint32_t kRarestOffer = 6;   // at most 2^6 requests between two offers

}  // namespace

Session::Session(Context& context, UniqueFd client, const SocketAddress& peer,
                 const SocketAddress& local)
    : context_(context),
      client_(context.memory, &context.report.bytes_received, &context.report.bytes_sent),
      timer_(context.reactor, [this] { on_timer(); }),
      peer_(peer),
      local_(local),
      since_(context.reactor.now()) {
  client_.attach(std::move(client));
  context_.add(*this);
  const snapshot::Listener* const served = listener();
  steerable_ = served != nullptr && served->tier == snapshot::Tier::kConnection;
}

void Session::on_ready(std::uint32_t events) {
  if ((events & EPOLLIN) != 0 && !pipelined_ && is_answering()) pipelined_ = has_data();
  client_.note(events);
  drive();
}

bool Session::is_answering() const {
  return stream_ != nullptr && stream_->request_done() && !stream_->done();
}

// Data while an answer is under way: the client does not wait for answers. The event alone does not say so: it may
// tell of bytes that were read in this very turn, when the upstream's event came first.
bool Session::has_data() const {
  char byte = 0;
  return recv(client_.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void Session::drive() {
  int steps = 0;
  while (state_ != State::kClosed && step()) {
    if (++steps < kStepsPerTurn) continue;
    context_.drive_later(*this);
    break;
  }
  settle();
}

bool Session::step() {
  const bool flushed = client_.flush();
  if (state_ != State::kOpen) return step_closing() || flushed;
  if (stream_ == nullptr || stream_->in_head()) return read_request() || flushed;
  if (stream_->done()) {
    drop_stream();
    return true;
  }
  return stream_->step() || flushed;
}

bool Session::read_request() {
  if (client_.send_failed()) {
    state_ = State::kClosed;
    return true;
  }
  if (client_.has_output()) return false;
  const std::string_view bytes = client_.input();
  if (bytes.empty()) {
    const bool gone = client_.ended() || client_.receive_failed();
    if (gone && stream_ != nullptr) context_.count(Ending::kClientClosed);
    if (gone) state_ = State::kClosed;
    return false;
  }
  if (stream_ == nullptr) {
    stream_ = context_.acquire_stream();
    stream_->begin(*this);
    touch();
  }
  stream_->on_head_bytes(bytes);
  return true;
}

bool Session::step_closing() {
  if (state_ == State::kLinger) return discard();
  if (client_.send_failed() || client_.broken()) {
    state_ = State::kClosed;
  } else if (!client_.has_output()) {
    drop_stream();
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

bool Session::discard() {
  const std::string_view bytes = client_.input();
  lingered_ += bytes.size();
  client_.keep(bytes, bytes.size());
  if (bytes.empty() && !client_.ended() && !client_.receive_failed()) return false;
  if (bytes.empty() || lingered_ > kLingerBytes) state_ = State::kClosed;
  return true;
}

void Session::finish(bool keep_alive, bool linger) {
  touch();
  if (keep_alive) return;
  state_ = State::kClosing;
  // Unread bytes make close() send an RST, which may destroy the answer on its way.
  linger_ = linger || client_.has_input() || client_.readable();
}

void Session::abort(bool reset) {
  touch();
  reset_ = reset;
  state_ = reset ? State::kClosed : State::kClosing;
}

void Session::handed_over() {
  handed_over_ = true;
  state_ = State::kClosed;
}

void Session::count_request() {
  ++requests_;
  ++context_.report.requests;
}

// What refuses a connection once (its handshake, its segment size) mostly does so for good, and each attempt costs
// system calls and may cost an upstream connection.
void Session::offer_refused() {
  const std::uint32_t beyond = refusals_ < kPromptOffers ? 0 : refusals_ - kPromptOffers + 1;
  next_offer_ = requests_ + (std::uint64_t{1} << std::min(beyond, kRarestOffer));
  ++refusals_;
}

const snapshot::Listener* Session::listener() {
  const Generation* const generation = context_.generation.get();
  if (generation == nullptr) return nullptr;
  if (listener_serial_ != generation->serial()) {
    listener_ = generation->snapshot().find_listener(local_);
    listener_serial_ = generation->serial();
  }
  return listener_;
}

void Session::drop_stream() {
  if (stream_ == nullptr) return;
  stream_->end();
  context_.release_stream(stream_);
  stream_ = nullptr;
}

void Session::settle() {
  if (state_ != State::kClosed && stream_ != nullptr && !stream_->settle()) {
    state_ = State::kClosed;
  }
  if (state_ == State::kClosed || !client_.watch(context_.reactor, *this)) {
    destroy();
    return;
  }
  if (stream_ == nullptr) client_.release_buffers();
  arm(deadline());
}

void Session::destroy() {
  drop_stream();
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

void Session::close_now() { destroy(); }

// An idle connection is not closed at once: a request may be on its way, and would be lost. Its answer says
// Connection: close (RFC 9112 9.6), after which the client opens a connection to whoever listens now.
void Session::drain(TimePoint idle_end) {
  idle_end_ = idle_end;
  drive();
}

TimePoint Session::deadline() const {
  switch (state_) {
    case State::kLinger:
      return since_ + kLingerTimeout;
    case State::kOpen:
      return stream_ != nullptr ? stream_->deadline(since_)
                                : std::min(since_ + context_.options.idle_timeout, idle_end_);
    case State::kClosing:
    case State::kClosed:
      break;
  }
  return since_ + context_.options.stream_timeout;
}

void Session::arm(TimePoint deadline) {
  // A deadline only moves away while there is progress, so the timer is left alone until it fires and then set anew:
  // steady traffic never touches the wheel.
  if (timer_.armed() && armed_ <= deadline) return;
  const TimePoint now = context_.reactor.now();
  armed_ = deadline;
  timer_.arm(deadline > now ? std::chrono::ceil<Milliseconds>(deadline - now) : Milliseconds(0));
}

void Session::on_timer() {
  if (context_.reactor.now() >= deadline()) on_deadline();
  drive();
}

void Session::on_deadline() {
  if (state_ == State::kOpen && stream_ != nullptr) {
    stream_->on_timeout();
  } else {
    if (state_ == State::kClosing) context_.count(Ending::kBodyTimeout);
    reset_ = state_ == State::kClosing;
    state_ = State::kClosed;
  }
}

}  // namespace sluice::proxy
