// SPDX-License-Identifier: Apache-2.0
// Offering a request, and with it the whole connection, to the kernel path.
#include "agent/base/log.hpp"
#include "agent/proxy/session.hpp"
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

// `raw` is the request as it came. True: promoted, or waiting for the upstream. False: to be served as a proxy, on
// upstream_ if that is set.
bool Stream::offer(std::string_view raw, std::string_view body) {
  Steering* const steering = context_.steering.get();
  if (steering == nullptr || listener_->tier != snapshot::Tier::kConnection) return false;
  if (!session_->may_be_offered() ||
      !steering->wants(generation_->listener_id(*listener_), listener_->steer_after,
                       session_->requests())) {
    return false;
  }
  if (const auto refusal = unsuited(raw)) {
    context_.count(*refusal);  // it cost nothing, and the next request may be another kind
    return false;
  }
  if (!attach_for_promotion(
          steering->upstream_mss_for(session_->client().fd(), session_->peer()))) {
    return false;
  }
  if (upstream_->connected()) return promote(raw);
  raw_.assign(raw);
  if (body.data() != body_.data()) body_.assign(body);
  upstream_->channel().expect_writable();
  phase_ = Phase::kPromote;
  return true;
}

void Stream::refused(Refusal refusal) {
  context_.count(refusal);
  // Each attempt with a segment size of its own costs a connection to the endpoint.
  const bool costly = upstream_ != nullptr && upstream_->mss() != 0;
  if (costly || is_lasting(refusal)) session_->offer_refused();
}

std::optional<Refusal> Stream::unsuited(std::string_view raw) const {
  const http::RequestHead& head = request_.head();
  if (!request_done_ || raw.size() > kMaxPromotedRequest) return Refusal::kRequestIncomplete;
  if (head.minor_version == 0 || !head.keep_alive || head.expects_continue || head.upgrade ||
      context_.draining) {
    return Refusal::kRequestUnsuited;
  }
  // The kernel passes on what comes. A client that sends such a thing once will likely send it again.
  if (rewritten_) return Refusal::kRequestUnsuited;
  if (session_->pipelined()) return Refusal::kPipelined;
  if (session_->client().closing()) return Refusal::kClientState;
  return std::nullopt;
}

bool Stream::attach_for_promotion(std::uint16_t mss) {
  pool_ = target_->pick_endpoint();
  if (pool_ == nullptr) return false;
  attempts_ = 1;
  if (mss == 0) upstream_ = pool_->take(true, kYoung);
  if (upstream_ == nullptr) {
    auto connected = pool_->connect(true, mss, true);
    if (!connected) {
      ++target_->report->connect_failures;
      log::debug("proxy", "{}", connected.error().message);
      return false;
    }
    upstream_ = std::move(*connected);
  }
  upstream_->use(this);
  attached_at_ = context_.reactor.now();
  if (upstream_->steerable()) return true;
  refused(Refusal::kNoPort);
  return false;
}

bool Stream::step_promote() {
  Channel& client = session_->client();
  if (client.broken()) {
    give_up(Ending::kClientClosed, true);
    return true;
  }
  if (upstream_->channel().broken()) {
    ++target_->report->connect_failures;
    upstream_.reset();
    send_request(body_);
    return true;
  }
  if (!upstream_->connected()) return false;
  if (session_->pipelined() || client.closing()) {
    refused(session_->pipelined() ? Refusal::kPipelined : Refusal::kClientState);
    send_request(body_);
    return true;
  }
  // The kernel would carry every later request to where the old configuration wanted this one.
  if (generation_ != context_.generation.get()) {
    refused(Refusal::kConfigChanged);
    send_request(body_);
    return true;
  }
  if (!promote(raw_)) send_request(body_);
  return true;
}

bool Stream::promote(std::string_view raw) {
  Channel& client = session_->client();
  Channel& channel = upstream_->channel();
  client.unwatch(context_.reactor);
  SteerUpstream steer = upstream_->lend();
  Promotion promotion;
  promotion.client = session_->peer();
  promotion.local = session_->local();
  promotion.client_received = client.received();
  promotion.client_sent = client.sent();
  promotion.upstream_sent = channel.sent();
  promotion.upstream_received = channel.received();
  promotion.request = raw;
  promotion.cluster = target_->share->cluster;
  promotion.listener = generation_->listener_id(*listener_);
  promotion.request_number = session_->requests();
  const PromoteResult result = context_.steering->promote(promotion, client.descriptor(), steer);
  if (result.outcome == PromoteOutcome::kPromoted) {
    upstream_->forget_socket();
    upstream_.reset();
    ++target_->report->promotions;
    phase_ = Phase::kDone;
    session_->handed_over();
    return true;
  }
  refused(result.refusal);
  log::debug("proxy", "{}: not promoted: {}", to_string(session_->peer()),
             label_of(result.refusal));
  if (result.outcome == PromoteOutcome::kRefused) {
    upstream_->take_back(std::move(steer));
    return false;
  }
  upstream_->forget_socket();
  upstream_.reset();
  attempts_ = 0;
  return false;
}

}  // namespace sluice::proxy
