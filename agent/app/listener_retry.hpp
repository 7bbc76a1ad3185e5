// SPDX-License-Identifier: Apache-2.0
// ListenerRetry: when to try again to serve listeners that could not be served: a port that another program has, a
// full listener map. After a second, then twice as long each time up to a minute, and up to a quarter more, so that
// agents of many nodes do not come back together.
// Called by the Supervisor. Thread: main. Invariants: nothing is armed once a try has succeeded.
#pragma once
#include <functional>
#include <optional>
#include <random>

#include "agent/base/clock.hpp"
#include "agent/net/reactor.hpp"

namespace sluice::app {

class ListenerRetry {
 public:
  static constexpr Milliseconds kFirst{1'000};
  static constexpr Milliseconds kLongest{60'000};

  // `attempt` tries again; true: everything is served.
  ListenerRetry(net::Reactor& reactor, std::function<bool()> attempt);

  // A generation was published; of an earlier one nothing is tried any more.
  void begin(bool served);
  void stop() { timer_.cancel(); }
  // Until the next try; nullopt: there is nothing to try.
  [[nodiscard]] std::optional<Milliseconds> due() const;

 private:
  void on_timer();
  void arm();

  net::Reactor& reactor_;
  std::function<bool()> attempt_;
  Milliseconds pause_{kFirst};
  TimePoint at_{};
  std::mt19937_64 random_{std::random_device{}()};
  net::Timer timer_;
};

}  // namespace sluice::app
