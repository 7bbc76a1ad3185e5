// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/stream.hpp"

#include <algorithm>

namespace sluice::proxy {
namespace {

constexpr std::size_t kKeptCapacity = 8 * 1024;  // by a stream that waits for its next request

}  // namespace

Stream::Stream(Context& context) : context_(context), kept_(context.memory.buffer_bytes) {}

Stream::~Stream() = default;

void Stream::begin(Downstream& downstream) {
  downstream_ = &downstream;
  phase_ = Phase::kStart;
  attempts_ = 0;
  request_done_ = rewritten_ = response_began_ = false;
  whole_ = true;
  request_trailers_ = nullptr;
  body_ = {};
  filter_request_ = {&context_, &downstream, nullptr, nullptr, nullptr, nullptr};
  touch();
  began_ = progress_at_;
  AccessSink* const sink = context_.options.access_sink;
  if (sink != nullptr && sink->wants()) begin_record();
}

void Stream::end() {
  exchange_.reset();
  leave_queue();
  load_.end();
  affinity_ = {};
  if (record_) write_record();
  if (target_ != nullptr && began_ != TimePoint()) {
    target_->report->durations.observe(context_.reactor.now() - began_);
  }
  filters_.end();
  decision_.reset();
  target_ = nullptr;
  pool_ = nullptr;
  listener_ = nullptr;
  if (kept_.capacity() > kKeptCapacity) kept_.release();
  kept_.park();
  raw_.clear();
  if (generation_ != nullptr) context_.release_generation(generation_);
  generation_ = nullptr;
  phase_ = Phase::kDone;
}

bool Stream::step() {
  switch (phase_) {
    case Phase::kPromote:
      return step_promote();
    case Phase::kRelay:
      return relay();
    case Phase::kWait:
      if (downstream_->gone()) {
        give_up(Ending::kClientClosed, true);
        return true;
      }
      send_request();
      return phase_ != Phase::kWait;
    case Phase::kBackoff:
      if (!downstream_->gone() && context_.reactor.now() >= delayed_until_) {
        send_request();
        return true;
      }
      [[fallthrough]];
    case Phase::kDelay:
      if (!downstream_->gone()) return false;
      give_up(Ending::kClientClosed, true);
      return true;
    case Phase::kStart:
    case Phase::kDone:
      break;
  }
  return false;
}

bool Stream::settle() { return exchange_ == nullptr || exchange_->watch(); }

TimePoint Stream::deadline() const {
  switch (phase_) {
    case Phase::kDelay:
      return delayed_until_;
    case Phase::kBackoff:
      return std::min(delayed_until_, route_deadline());
    default:
      break;
  }
  const TimePoint limit = std::min({connect_deadline(), try_deadline(), route_deadline()});
  // A timeout that the route names is the only one while the endpoint is waited for.
  if (limit != TimePoint::max() && exchange_ != nullptr && exchange_->connected()) return limit;
  return std::min(limit, progress_at_ + context_.options.stream_timeout);
}

}  // namespace sluice::proxy
