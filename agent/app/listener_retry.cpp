// SPDX-License-Identifier: Apache-2.0
#include "agent/app/listener_retry.hpp"

#include <algorithm>

namespace sluice::app {

ListenerRetry::ListenerRetry(net::Reactor& reactor, std::function<bool()> attempt)
    : reactor_(reactor), attempt_(std::move(attempt)), timer_(reactor, [this] { on_timer(); }) {}

void ListenerRetry::begin(bool served) {
  pause_ = kFirst;
  timer_.cancel();
  if (!served) arm();
}

std::optional<Milliseconds> ListenerRetry::due() const {
  if (!timer_.armed()) return std::nullopt;
  const auto left = std::chrono::ceil<Milliseconds>(at_ - reactor_.clock().now());
  return std::max(left, Milliseconds(0));
}

void ListenerRetry::on_timer() {
  if (!attempt_()) arm();
}

void ListenerRetry::arm() {
  const auto extra = std::uniform_int_distribution<std::int64_t>(0, pause_.count() / 4)(random_);
  const Milliseconds delay = pause_ + Milliseconds(extra);
  at_ = reactor_.clock().now() + delay;
  timer_.arm(delay);
  pause_ = std::min(2 * pause_, kLongest);
}

}  // namespace sluice::app
