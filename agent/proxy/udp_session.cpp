// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/udp_session.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "agent/base/log.hpp"
#include "agent/net/datagram.hpp"
#include "agent/proxy/hash_key.hpp"
#include "agent/proxy/udp_listener.hpp"
#include "agent/routing/tcp_match.hpp"

namespace sluice::proxy {
namespace {

constexpr int kBatch = 64;  // answers a turn
constexpr std::uint32_t kMaxAttempts = 3;
constexpr Milliseconds kIdleTimeout{60'000};  // unless tcp.idleTimeout is set

}  // namespace

UdpSession::UdpSession(Context& context, UdpListener& listener, const UdpSessionKey& key,
                       ListenerPlace place)
    : context_(context),
      listener_(listener),
      key_(key),
      place_(std::move(place)),
      since_(context.reactor.now()),
      timer_(context.reactor, [this] { on_timer(); }) {
  ++context_.report.udp_sessions;
  ++context_.report.udp_open;
  arm();
}

UdpSession::~UdpSession() {
  close();
  --context_.report.udp_open;
}

void UdpSession::close() {
  if (upstream_) context_.reactor.remove(upstream_.get());
  upstream_.reset();
  load_.end();
  slot_.release();
}

void UdpSession::forward(const snapshot::Listener& listener, std::string_view payload) {
  since_ = context_.reactor.now();
  if (open() && !still_right(listener)) close();
  if (!open() && !choose(listener)) return;
  bool sent = net::send_datagram(upstream_.get(), payload);
  if (!sent && errno == ECONNREFUSED) {
    // That was said of an earlier datagram; this one was not sent. Another endpoint may take it.
    refused();
    if (!choose(listener)) return;
    sent = net::send_datagram(upstream_.get(), payload);
  }
  if (!sent) {
    context_.count(Ending::kUdpUnsent);
    log::debug("proxy", "{}: a datagram to {} was dropped: {}", to_string(key_.peer),
               to_string(endpoint_), std::strerror(errno));
    return;
  }
  ++report_->udp_in;
  report_->udp_bytes_in += payload.size();
}

bool UdpSession::still_right(const snapshot::Listener& listener) {
  const Generation& current = *context_.generation;
  if (generation_ == current.serial()) return true;
  generation_ = current.serial();
  const auto rule =
      routing::match_tcp(listener.config.tcp_routes, {key_.local, listener.config.port});
  if (!rule) return false;
  for (const Target& target : context_.generation->targets(listener.tcp_sets[*rule])) {
    if (target.share->weight == 0 || target.report != report_) continue;
    const auto index = target.use->find(endpoint_);
    if (!index || !target.use->uses(*index, since_)) return false;
    if (target.use == use_) return true;
    // The cluster's other endpoints or its policy changed: the session is counted there from now on.
    load_.end();
    slot_.release();
    policy_ = target.share->policy;
    slot_ = target.use->record().begin_connection(policy_->connection_pool);
    if (!slot_) return false;
    use_ = target.use;
    load_.begin_connection(*use_);
    load_.begin_attempt(*index);
    return true;
  }
  return false;
}

bool UdpSession::choose(const snapshot::Listener& listener) {
  const auto fail = [this](Ending ending) {
    context_.count(ending);
    log::debug("proxy", "{}: a datagram to {} was dropped: {}", to_string(key_.peer),
               to_string(key_.local), label_of(ending));
    close();
    return false;
  };
  generation_ = context_.generation->serial();
  const auto rule =
      routing::match_tcp(listener.config.tcp_routes, {key_.local, listener.config.port});
  if (!rule) return fail(Ending::kNoRoute);
  // A datagram has no head: of all keys only the client's address leads anywhere.
  static const http::RequestHead kNoHead;
  Affinity affinity;
  Target* const target = pick_target(*context_.generation, listener.tcp_sets[*rule],
                                     {kNoHead, key_.peer, context_.random}, affinity);
  if (target == nullptr || target->use->size() == 0) return fail(Ending::kNoEndpoint);
  policy_ = target->share->policy;
  slot_ = target->use->record().begin_connection(policy_->connection_pool);
  if (!slot_) return fail(Ending::kTcpLimit);
  use_ = target->use;
  report_ = target->report;
  load_.begin_connection(*use_);
  ++report_->picks;
  const auto failure = connect(affinity.hash);
  return failure ? fail(*failure) : true;
}

std::optional<Ending> UdpSession::connect(const std::optional<std::uint64_t>& hash) {
  const std::uint32_t limit = context_.options.client_descriptors;
  std::vector<std::uint32_t> excluded;
  for (std::uint32_t attempt = 0; attempt < kMaxAttempts; ++attempt) {
    excluded.assign(load_.tried().begin(), load_.tried().end());
    if (refused_) {
      if (const auto index = use_->find(*refused_)) excluded.push_back(*index);
    }
    const auto endpoint = use_->pick({.hash = hash, .excluded = excluded, .now = since_});
    if (!endpoint) return Ending::kNoEndpoint;
    load_.begin_attempt(*endpoint);
    endpoint_ = use_->address(*endpoint);
    auto fd = net::connect_udp(endpoint_);
    if (fd && limit != 0 && static_cast<std::uint32_t>(fd->get()) >= limit) {
      return Ending::kOverload;
    }
    if (fd && context_.reactor.add(fd->get(), EPOLLIN, *this)) {
      upstream_ = std::move(*fd);
      arm();  // by this cluster's limit
      return std::nullopt;
    }
    ++report_->connect_failures;
    load_.failed(since_);
  }
  return Ending::kConnectFailed;
}

// The endpoint's host says that nobody receives there.
void UdpSession::refused() {
  context_.count(Ending::kUdpRefused);
  ++report_->connect_failures;
  load_.failed(context_.reactor.now());
  log::debug("proxy", "{}: nobody receives datagrams at {}", to_string(key_.peer),
             to_string(endpoint_));
  refused_ = endpoint_;
  close();
}

void UdpSession::on_ready(std::uint32_t /*events*/) {
  for (int i = 0; i < kBatch; ++i) {
    const auto datagram = net::receive_datagram(upstream_.get(), listener_.buffer());
    if (!datagram) {
      if (errno == ECONNREFUSED) return refused();
      if (errno == EAGAIN || errno == EINTR) return;
      continue;  // another error of ICMP, which it took with it
    }
    since_ = context_.reactor.now();
    load_.report(health::Outcome::kOk, since_);
    ++report_->udp_out;
    report_->udp_bytes_out += datagram->payload.size();
    if (!listener_.answer(key_, datagram->payload)) context_.count(Ending::kUdpUnsent);
  }
}

Milliseconds UdpSession::idle_limit() const {
  if (!policy_) return kIdleTimeout;
  const auto& set = policy_->connection_pool.tcp_idle_timeout;
  // Without a limit sessions would pile up: nothing ends one but silence.
  return set && set->count() > 0 ? *set : kIdleTimeout;
}

// Silence is measured when the timer fires: setting it anew with each datagram would cost more than the datagram.
void UdpSession::on_timer() {
  if (context_.reactor.now() - since_ >= idle_limit()) return listener_.end(key_);
  arm();
}

void UdpSession::arm() {
  const auto left = since_ + idle_limit() - context_.reactor.now();
  timer_.arm(std::max(Milliseconds(1), std::chrono::ceil<Milliseconds>(left)));
}

}  // namespace sluice::proxy
