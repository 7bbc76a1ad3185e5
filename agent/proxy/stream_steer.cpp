// SPDX-License-Identifier: Apache-2.0
// Offering a request, and with it the whole connection, to the kernel path.
#include "agent/base/log.hpp"
#include "agent/proxy/promotable.hpp"
#include "agent/proxy/stream.hpp"

namespace sluice::proxy {
namespace {

// The request goes out in one piece before the client's socket vanishes: it must fit a fresh upstream's window.
constexpr std::size_t kMaxPromotedRequest = 8192;

// A promoted request cannot be sent again should the endpoint have closed the kept connection meanwhile. Servers close
// idle ones after 5 s and more (the shortest default in wide use), so only younger ones are taken.
constexpr Milliseconds kYoung{3'000};

// Refused for what the connection is, which the next request mostly shares; all else may be over by then.
bool is_lasting(Refusal refusal) {
  return refusal == Refusal::kNoLeg || refusal == Refusal::kClientState ||
         refusal == Refusal::kMss || refusal == Refusal::kPipelined;
}

}  // namespace

// True: promoted, or waiting for the upstream. False: to be served as a proxy, on exchange_ if that is set.
bool Stream::offer(Promotable& client) {
  Steering* const steering = context_.steering.get();
  if (steering == nullptr || listener_->tier != snapshot::Tier::kConnection) return false;
  if (!client.may_be_offered() || !steering->wants(generation_->listener_id(*listener_),
                                                   listener_->steer_after, client.requests())) {
    return false;
  }
  if (const auto refusal = unsuited(client)) {
    context_.count(*refusal);  // it cost nothing, and the next request may be another kind
    return false;
  }
  if (!attach_for_promotion(
          client, steering->upstream_mss_for(client.channel().fd(), downstream_->peer()))) {
    return false;
  }
  if (exchange_->connection()->connected()) return promote(client, client.request_bytes());
  raw_.assign(client.request_bytes());
  hold_body();
  exchange_->connection()->channel().expect_writable();
  phase_ = Phase::kPromote;
  return true;
}

void Stream::refused(Promotable& client, Refusal refusal) {
  context_.count(refusal);
  // Each attempt with a segment size of its own costs a connection to the endpoint.
  const bool costly = exchange_ != nullptr && exchange_->connection()->mss() != 0;
  if (costly || is_lasting(refusal)) client.offer_refused();
}

std::optional<Refusal> Stream::unsuited(Promotable& client) {
  const http::RequestHead& head = downstream_->head();
  if (!request_done_ || client.request_bytes().size() > kMaxPromotedRequest) {
    return Refusal::kRequestIncomplete;
  }
  if (head.minor_version == 0 || !head.keep_alive || head.expects_continue || head.upgrade ||
      context_.draining) {
    return Refusal::kRequestUnsuited;
  }
  // The kernel passes on what comes. A client that sends such a thing once will likely send it again.
  if (rewritten_) return Refusal::kRequestUnsuited;
  if (client.pipelined()) return Refusal::kPipelined;
  if (client.channel().closing()) return Refusal::kClientState;
  return std::nullopt;
}

bool Stream::attach_for_promotion(Promotable& client, std::uint16_t mss) {
  const auto endpoint = target_->use->pick({.now = context_.reactor.now()});
  if (!endpoint) return false;
  load_.begin_attempt(*endpoint);
  pool_ = &target_->use->pool(*endpoint);
  attempts_ = 1;
  std::unique_ptr<Upstream> upstream;
  const auto shown = client_to_show();
  if (mss == 0) upstream = pool_->take(true, kYoung, shown);
  if (upstream == nullptr) {
    auto connected = pool_->connect(true, mss, true, shown);
    if (!connected) {
      ++target_->report->connect_failures;
      if (connected.error().code != ErrorCode::kExhausted) load_.failed(context_.reactor.now());
      log::debug("proxy", "{}", connected.error().message);
      return false;
    }
    upstream = std::move(*connected);
  }
  adopt(std::move(upstream));
  if (exchange_->connection()->steerable()) return true;
  refused(client, Refusal::kNoPort);
  return false;
}

bool Stream::step_promote() {
  Promotable& client = *downstream_->promotable();
  Channel& channel = client.channel();
  if (channel.broken()) {
    give_up(Ending::kClientClosed, true);
    return true;
  }
  Upstream& upstream = *exchange_->connection();
  if (upstream.channel().broken()) {
    ++target_->report->connect_failures;
    load_.failed(context_.reactor.now());
    exchange_.reset();
    send_request();
    return true;
  }
  if (!upstream.connected()) return false;
  if (client.pipelined() || channel.closing()) {
    refused(client, client.pipelined() ? Refusal::kPipelined : Refusal::kClientState);
    send_request();
    return true;
  }
  // The kernel would carry every later request to where the old configuration wanted this one.
  if (generation_ != context_.generation.get()) {
    refused(client, Refusal::kConfigChanged);
    send_request();
    return true;
  }
  if (!promote(client, raw_)) send_request();
  return true;
}

bool Stream::promote(Promotable& client, std::string_view raw) {
  Channel& channel = client.channel();
  Upstream& upstream = *exchange_->connection();
  channel.unwatch(context_.reactor);
  SteerUpstream steer = upstream.lend();
  Promotion promotion;
  promotion.client = downstream_->peer();
  promotion.local = downstream_->local();
  promotion.client_received = channel.received();
  promotion.client_sent = channel.sent();
  promotion.upstream_sent = upstream.channel().sent();
  promotion.upstream_received = upstream.channel().received();
  promotion.request = raw;
  promotion.cluster = target_->share->cluster;
  promotion.listener = generation_->listener_id(*listener_);
  promotion.request_number = client.requests();
  const PromoteResult result = context_.steering->promote(promotion, channel.descriptor(), steer);
  if (result.outcome == PromoteOutcome::kPromoted) {
    const std::uint32_t set = listener_->steer_set;
    const auto choice = static_cast<std::uint32_t>(target_ - generation_->targets(set).data());
    context_.carried.promoted(result.id, promotion, upstream, *generation_,
                              {set, choice, target_, load_.tried().back()}, record_.has_value());
    upstream.forget_socket();
    exchange_.reset();
    ++target_->report->promotions;
    if (record_) record_->promoted = true;
    began_ = TimePoint();
    phase_ = Phase::kDone;
    client.handed_over();
    return true;
  }
  refused(client, result.refusal);
  log::debug("proxy", "{}: not promoted: {}", to_string(downstream_->peer()),
             label_of(result.refusal));
  if (result.outcome == PromoteOutcome::kRefused) {
    upstream.take_back(std::move(steer));
    return false;
  }
  upstream.forget_socket();
  exchange_.reset();
  attempts_ = 0;
  return false;
}

}  // namespace sluice::proxy
