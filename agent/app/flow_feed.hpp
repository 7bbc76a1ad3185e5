// SPDX-License-Identifier: Apache-2.0
// FlowFeed: the latest starts and ends of connections that the kernel carries, for `lbctl flows --follow`: workers
// write, whoever follows asks again and again for what came since. Nothing is recorded while nobody asks.
// Callers: CarriedPolicy through CarriedWatch (workers), AgentService (control's threads). Thread: any.
// Invariants: at most kMost events; one that was pushed out before a follower asked for it is counted as lost for it.
#pragma once
#include <atomic>
#include <cstdint>
#include <deque>

#include "agent/base/clock.hpp"
#include "agent/base/thread_role.hpp"
#include "agent/control/control.pb.h"
#include "agent/proxy/carried_watch.hpp"

namespace sluice::app {

class FlowFeed final : public proxy::CarriedWatch {
 public:
  static constexpr std::size_t kMost = 8192;     // some 3 MB, while somebody follows
  static constexpr Milliseconds kKeeps{10'000};  // after the last question

  explicit FlowFeed(const Clock& clock) : clock_(clock) {}

  [[nodiscard]] bool wants() override;
  void changed(const proxy::CarriedChange& change) override;
  // What came after the event number `after`; 0: nothing yet, but from now on.
  [[nodiscard]] control::v1::FlowEventsReply since(std::uint64_t after);

 private:
  const Clock& clock_;
  std::atomic<TimePoint::rep> asked_at_{0};  // 0: never
  Mutex mutex_;
  std::deque<control::v1::FlowEvent> events_ LB_GUARDED_BY(mutex_);
  // Number of the next event. The first one's is 2: whoever has seen none yet asks after 1, and whoever begins after 0.
  std::uint64_t next_ LB_GUARDED_BY(mutex_) = 2;
};

}  // namespace sluice::app
