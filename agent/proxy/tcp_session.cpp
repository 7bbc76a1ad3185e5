// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/tcp_session.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/base/log.hpp"
#include "agent/net/proxy_protocol.hpp"
#include "agent/net/socket.hpp"
#include "agent/proxy/context.hpp"
#include "agent/routing/tcp_match.hpp"

namespace sluice::proxy {
namespace {

constexpr int kStepsPerTurn = 32;  // of at most one buffer each
constexpr std::uint32_t kMaxAttempts = 3;
constexpr Milliseconds kIdleTimeout{3'600'000};  // Istio: tcp.idleTimeout is an hour unless set

}  // namespace

TcpSession::TcpSession(Context& context, Accepted accepted, const snapshot::Listener& listener)
    : context_(context),
      client_(context.memory, &context.report.bytes_received, &context.report.bytes_sent),
      upstream_(context.memory),
      upstream_events_(*this),
      to_endpoint_{client_, upstream_},
      to_client_{upstream_, client_},
      timer_(context.reactor, [this] { on_timer(); }),
      peer_(accepted.peer),
      local_(accepted.local),
      started_(context.reactor.now()),
      since_(started_) {
  client_.attach(std::move(accepted.client));
  hold(std::move(accepted.place));
  context_.add(*this);
  ++context_.report.tcp_connections;
  ++context_.report.tcp_open;
  choose(listener);
}

TcpSession::~TcpSession() {
  load_.end();
  release_generation();
  --context_.report.tcp_open;
}

void TcpSession::on_ready(std::uint32_t events) {
  client_.note(events);
  drive();
}

void TcpSession::UpstreamEvents::on_ready(std::uint32_t events) {
  session_.upstream_.note(events);
  session_.drive();
}

// The rule and the cluster are chosen once: only the endpoint changes when one cannot be reached.
void TcpSession::choose(const snapshot::Listener& listener) {
  const auto rule = routing::match_tcp(listener.config.tcp_routes, local_);
  if (!rule) return end(Ending::kNoRoute, true);
  generation_ = context_.use_generation();
  // A connection has no head: of all keys only the client's address leads anywhere.
  static const http::RequestHead kNoHead;
  Affinity affinity;
  target_ = pick_target(*generation_, listener.tcp_sets[*rule], {kNoHead, peer_, context_.random},
                        affinity);
  if (target_ == nullptr || target_->use->size() == 0) return end(Ending::kNoEndpoint, true);
  hash_ = affinity.hash;
  use_ = target_->use;
  report_ = target_->report;
  to_endpoint_.bytes = &report_->tcp_bytes_in;
  to_client_.bytes = &report_->tcp_bytes_out;
  policy_ = target_->share->policy;
  slot_ = use_->record().begin_connection(policy_->connection_pool);
  if (!slot_) return end(Ending::kTcpLimit, true);
  load_.begin_connection(*use_);
  ++report_->picks;
}

void TcpSession::drive() {
  int steps = 0;
  while (state_ != State::kClosed && step()) {
    if (++steps < kStepsPerTurn) continue;
    context_.drive_later(*this);
    break;
  }
  settle();
}

bool TcpSession::step() {
  switch (state_) {
    case State::kStart:
      connect();
      return true;
    case State::kConnect:
      return step_connect();
    case State::kRelay:
      return relay();
    case State::kClosed:
      break;
  }
  return false;
}

void TcpSession::connect() {
  state_ = State::kConnect;
  while (attempts_++ < kMaxAttempts) {
    since_ = context_.reactor.now();
    const auto endpoint = use_->pick({.hash = hash_, .excluded = load_.tried(), .now = since_});
    if (!endpoint) return end(Ending::kNoEndpoint, true);
    load_.begin_attempt(*endpoint);
    endpoint_ = use_->pool(*endpoint).address();
    auto fd = net::connect_tcp(endpoint_);
    if (fd) {
      upstream_.attach(std::move(*fd));
      upstream_.expect_writable();
      return;
    }
    ++report_->connect_failures;
    load_.failed(since_);
    log::debug("proxy", "{}", fd.error().message);
  }
  end(Ending::kConnectFailed, true);
}

// A client that gives up meanwhile is noticed here; one that has only sent its end of file is served.
bool TcpSession::step_connect() {
  if (client_.broken()) {
    end(Ending::kTcpClientReset, true);
    return true;
  }
  if (net::is_connected(upstream_.fd())) {
    begin_relay();
    return true;
  }
  const int error = net::pending_error(upstream_.fd());
  if (error == 0) return false;  // on its way
  connect_failed(std::strerror(error));
  return true;
}

void TcpSession::connect_failed(const char* why) {
  ++report_->connect_failures;
  load_.failed(context_.reactor.now());
  log::debug("proxy", "{}: cannot connect to {}: {}", to_string(peer_), to_string(endpoint_), why);
  upstream_.reset(context_.reactor);
  connect();
}

void TcpSession::begin_relay() {
  state_ = State::kRelay;
  since_ = context_.reactor.now();
  load_.report(health::Outcome::kOk, since_);
  upstream_.note(EPOLLOUT);
  if (const auto& keepalive = policy_->connection_pool.keepalive) {
    net::keep_alive(
        upstream_.fd(),
        {.probes = keepalive->probes, .time = keepalive->time, .interval = keepalive->interval});
  }
  if (policy_->proxy_protocol) {
    std::string header;
    net::write_proxy_header(*policy_->proxy_protocol, net::ProxyAddresses{peer_, local_}, header);
    upstream_.send(header);
  }
  release_generation();
}

void TcpSession::release_generation() {
  if (generation_ != nullptr) context_.release_generation(generation_);
  generation_ = nullptr;
  target_ = nullptr;
}

bool TcpSession::relay() {
  const TimePoint now = context_.reactor.now();
  const bool sent = to_endpoint_.pump(now, since_);
  const bool answered = to_client_.pump(now, since_);
  const bool moved = sent || answered;
  // A reset is passed on at once, as it overtakes what is on its way anyhow.
  if (client_.receive_failed()) {
    end(Ending::kTcpClientReset, true);
  } else if (upstream_.receive_failed()) {
    end(Ending::kTcpUpstreamReset, true);
  } else if (to_endpoint_.ended && to_client_.ended) {
    end(std::nullopt, to_endpoint_.broken || to_client_.broken);
  } else if (to_endpoint_.broken && (to_client_.ended || to_client_.broken)) {
    end(Ending::kTcpUpstreamReset, true);
  } else if (to_client_.broken && to_endpoint_.ended) {
    end(Ending::kTcpClientReset, true);
  }
  return moved || state_ == State::kClosed;
}

void TcpSession::end(std::optional<Ending> ending, bool reset) {
  if (ending) {
    context_.count(*ending);
    log::debug("proxy", "{} to {} by {}: {}", to_string(peer_), to_string(local_),
               to_string(endpoint_), label_of(*ending));
  }
  reset_ = reset;
  state_ = State::kClosed;
}

void TcpSession::settle() {
  const auto watch = [this](Channel& channel, net::EventHandler& handler) {
    return channel.fd() < 0 || channel.watch(context_.reactor, handler);
  };
  if (state_ == State::kClosed || !watch(client_, *this) || !watch(upstream_, upstream_events_)) {
    destroy();
    return;
  }
  client_.release_buffers();
  upstream_.release_buffers();
  arm();
}

void TcpSession::destroy() {
  for (Channel* const channel : {&client_, &upstream_}) {
    if (channel->fd() < 0) continue;
    if (reset_) net::reset_on_close(channel->fd());
    channel->close(context_.reactor);
  }
  context_.remove(*this);
  delete this;
}

// At the end of a drain: what was cut off must not look complete.
void TcpSession::close_now() {
  end(Ending::kTcpDrained, true);
  destroy();
}

void TcpSession::drain(TimePoint /*idle_end*/) {}  // nobody can tell whether it is idle

Milliseconds TcpSession::idle_limit() const {
  return policy_->connection_pool.tcp_idle_timeout.value_or(kIdleTimeout);
}

TimePoint TcpSession::deadline() const {
  const model::ConnectionPool& limits = policy_->connection_pool;
  if (state_ == State::kConnect) return since_ + limits.connect_timeout;
  const Milliseconds idle = idle_limit();
  const TimePoint idle_end = idle.count() == 0 ? TimePoint::max() : since_ + idle;
  if (!limits.max_connection_duration) return idle_end;
  return std::min(idle_end, started_ + *limits.max_connection_duration);
}

void TcpSession::arm() {
  // Deadlines mostly move away: the timer is left alone until it fires and then set anew.
  const TimePoint until = deadline();
  if (timer_.armed() && armed_ <= until) return;
  if (until == TimePoint::max()) return timer_.cancel();
  const TimePoint now = context_.reactor.now();
  armed_ = until;
  timer_.arm(until > now ? std::chrono::ceil<Milliseconds>(until - now) : Milliseconds(0));
}

void TcpSession::on_timer() {
  const TimePoint now = context_.reactor.now();
  if (now >= deadline()) {
    if (state_ == State::kConnect) {
      connect_failed("no answer in time");
    } else {
      const auto& duration = policy_->connection_pool.max_connection_duration;
      const bool old = duration && now >= started_ + *duration;
      end(old ? Ending::kTcpDuration : Ending::kTcpIdle, true);
    }
  }
  drive();
}

}  // namespace sluice::proxy
