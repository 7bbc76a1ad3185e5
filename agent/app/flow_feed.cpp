// SPDX-License-Identifier: Apache-2.0
#include "agent/app/flow_feed.hpp"

#include <algorithm>
#include <chrono>

namespace sluice::app {
namespace {

using Kind = proxy::CarriedChange::Kind;

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::kStarted:
      return "started";
    case Kind::kTakenBack:
      return "taken_back";
    case Kind::kEnded:
      return "ended";
  }
  return "unknown";
}

double unix_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

}  // namespace

bool FlowFeed::wants() {
  const TimePoint::rep asked_at = asked_at_.load(std::memory_order_relaxed);
  return asked_at != 0 && clock_.now() - TimePoint(TimePoint::duration(asked_at)) < kKeeps;
}

void FlowFeed::changed(const proxy::CarriedChange& change) {
  control::v1::FlowEvent event;
  event.set_event(name_of(change.kind));
  event.set_unix_seconds(unix_now());
  event.set_slot(change.id.slot);
  event.set_client(to_string(change.client));
  event.set_local(to_string(change.local));
  event.set_endpoint(to_string(change.endpoint));
  event.set_cluster(std::string(change.cluster));
  event.set_reason(std::string(change.reason));
  event.set_requests(change.requests);
  event.set_bytes_to_pod(change.bytes_in);
  event.set_bytes_to_client(change.bytes_out);
  event.set_age_seconds(std::chrono::duration<double>(change.age).count());
  const MutexLock lock(mutex_);
  event.set_number(next_++);
  events_.push_back(std::move(event));
  if (events_.size() > kMost) events_.pop_front();
}

control::v1::FlowEventsReply FlowFeed::since(std::uint64_t after) {
  const bool was_followed = wants();
  asked_at_.store(clock_.now().time_since_epoch().count(), std::memory_order_relaxed);
  control::v1::FlowEventsReply reply;
  const MutexLock lock(mutex_);
  if (!was_followed) events_.clear();  // of those who followed before
  reply.set_last(next_ - 1);
  if (after == 0 || after >= next_) return reply;
  const std::uint64_t first = next_ - events_.size();  // that there is
  if (after + 1 < first) reply.set_lost(first - after - 1);
  const auto skip = static_cast<std::ptrdiff_t>(std::max(after + 1, first) - first);
  for (auto event = events_.begin() + skip; event != events_.end(); ++event) {
    *reply.add_events() = *event;
  }
  return reply;
}

}  // namespace sluice::app
