// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/opaque_relay.hpp"

#include "agent/net/socket.hpp"
#include "agent/proxy/context.hpp"

namespace sluice::proxy {
namespace {

constexpr int kStepsPerTurn = 32;  // of at most one buffer each

}  // namespace

OpaqueRelay::OpaqueRelay(Context& context, UniqueFd client, SteerUpstream endpoint,
                         std::string_view pending)
    : context_(context),
      client_(context.memory, &context.report.bytes_received, &context.report.bytes_sent),
      endpoint_(context.memory),
      endpoint_events_(*this),
      to_endpoint_{client_, endpoint_},
      to_client_{endpoint_, client_},
      upstream_(std::move(endpoint)),
      timer_(context.reactor, [this] { drive(); }),
      progress_(context.reactor.now()) {
  client_.attach(std::move(client));
  endpoint_.attach(std::move(upstream_.fd));
  context_.add(*this);
  ++context_.report.returned_opaque;
  endpoint_.send(pending);
}

void OpaqueRelay::on_ready(std::uint32_t events) {
  client_.note(events);
  drive();
}

void OpaqueRelay::EndpointEvents::on_ready(std::uint32_t events) {
  relay_.endpoint_.note(events);
  relay_.drive();
}

void OpaqueRelay::drive() {
  for (int steps = 0; step(); ++steps) {
    if (steps < kStepsPerTurn) continue;
    context_.drive_later(*this);
    break;
  }
  // One that takes no more may have said something before, which is still passed on.
  const bool cut = client_.receive_failed() || endpoint_.receive_failed() ||
                   (to_endpoint_.broken && (to_client_.ended || to_client_.broken)) ||
                   (to_client_.broken && to_endpoint_.ended);
  if (cut || (to_client_.ended && to_endpoint_.ended)) return destroy(cut);
  if (context_.reactor.now() >= progress_ + context_.options.idle_timeout) {
    context_.count(Ending::kBodyTimeout);
    return destroy(true);
  }
  if (!client_.watch(context_.reactor, *this) ||
      !endpoint_.watch(context_.reactor, endpoint_events_)) {
    return destroy(true);
  }
  client_.release_buffers();
  endpoint_.release_buffers();
  arm();
}

bool OpaqueRelay::step() {
  const TimePoint now = context_.reactor.now();
  const bool sent = to_endpoint_.pump(now, progress_);
  const bool answered = to_client_.pump(now, progress_);
  return sent || answered;
}

// The deadline only moves away: the timer is left alone until it fires.
void OpaqueRelay::arm() {
  if (timer_.armed()) return;
  const auto left = progress_ + context_.options.idle_timeout - context_.reactor.now();
  timer_.arm(std::chrono::ceil<Milliseconds>(left));
}

void OpaqueRelay::destroy(bool reset) {
  if (reset) net::reset_on_close(client_.fd());
  client_.close(context_.reactor);
  endpoint_.unwatch(context_.reactor);
  upstream_.fd = std::move(endpoint_.descriptor());
  context_.steering->close_upstream(std::move(upstream_), reset);
  context_.remove(*this);
  delete this;
}

// At the end of a drain: what was cut off must not look complete.
void OpaqueRelay::close_now() { destroy(true); }

void OpaqueRelay::drain(TimePoint /*idle_end*/) {}  // nobody can tell whether it is idle

}  // namespace sluice::proxy
