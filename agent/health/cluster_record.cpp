// SPDX-License-Identifier: Apache-2.0
#include "agent/health/cluster_record.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::health {
namespace {

// However often an endpoint fails, it is tried again after that (or after base_ejection_time, if that is longer).
constexpr Milliseconds kLongestEjection{300'000};

void clear(Counter& counter) {
  // Mostly 0 already: a store would take the cache line from the other workers at each request.
  if (counter.load(std::memory_order_relaxed) != 0) counter.store(0, std::memory_order_relaxed);
}

constexpr auto kRelaxed = std::memory_order_relaxed;

}  // namespace

const char* label_of(Ejection ejection) {
  switch (ejection) {
#define LB_EJECTION_LABEL(name, label, help) \
  case Ejection::name:                       \
    return label;
    LB_EJECTIONS(LB_EJECTION_LABEL)
#undef LB_EJECTION_LABEL
    case Ejection::kCount:
      break;
  }
  return "";
}

const char* label_of(Overflow overflow) {
  switch (overflow) {
#define LB_OVERFLOW_LABEL(name, label, help) \
  case Overflow::name:                       \
    return label;
    LB_OVERFLOWS(LB_OVERFLOW_LABEL)
#undef LB_OVERFLOW_LABEL
    case Overflow::kCount:
      break;
  }
  return "";
}

// Without split_external_local_origin_errors no answer counts as a 503 (Istio OutlierDetection).
void EndpointRecord::report(Outcome outcome, const model::OutlierDetection& policy, TimePoint now) {
  const bool split = policy.split_external_local_origin_errors;
  if (outcome == Outcome::kLocalFailure && split) {
    failed(local_failures_, policy.consecutive_local_origin_failures, Ejection::kLocalFailures,
           policy, now);
    return;
  }
  if (outcome != Outcome::kLocalFailure) clear(local_failures_);
  if (outcome == Outcome::kOk) {
    clear(server_errors_);
    clear(gateway_errors_);
    return;
  }
  if (outcome == Outcome::kServerError) {
    clear(gateway_errors_);
  } else {
    failed(gateway_errors_, policy.consecutive_gateway_errors, Ejection::kGatewayErrors, policy,
           now);
  }
  failed(server_errors_, policy.consecutive_5xx_errors, Ejection::kServerErrors, policy, now);
}

void EndpointRecord::failed(Counter& counter, std::uint32_t limit, Ejection kind,
                            const model::OutlierDetection& policy, TimePoint now) {
  if (limit == 0 || counter.fetch_add(1, kRelaxed) + 1 < limit) return;
  // From the start again: one that may not be ejected now is asked about after as many more failures, not at each.
  counter.store(0, kRelaxed);
  if (!state_.ejected.load(kRelaxed)) cluster_->eject(*this, kind, policy, now);
}

void EndpointRecord::forget_failures() {
  clear(server_errors_);
  clear(gateway_errors_);
  clear(local_failures_);
}

Token ClusterRecord::begin_retry(const model::TrafficPolicy& policy) {
  Token token = begin(retries_, policy.connection_pool.max_retries, Overflow::kRetries);
  if (!token || !policy.retry_budget) return token;
  const double base = requests_.load(kRelaxed) + pending_.load(kRelaxed);
  const double allowed = std::max<double>(std::floor(base * policy.retry_budget->percent / 100),
                                          policy.retry_budget->minimum_concurrency);
  // The token is counted already.
  if (retries_.load(kRelaxed) <= allowed) return token;
  count(Overflow::kRetryBudget);
  return {};
}

void ClusterRecord::eject(EndpointRecord& endpoint, Ejection kind,
                          const model::OutlierDetection& policy, TimePoint now) {
  const MutexLock lock(mutex_);
  if (endpoint.state_.ejected.load(kRelaxed)) return;
  std::uint64_t live = 0;
  std::uint64_t ejected = 0;
  for (const auto& [address, weak] : endpoints_) {
    const auto record = weak.lock();
    if (!record) continue;
    ++live;
    if (record->state_.ejected.load(kRelaxed)) ++ejected;
  }
  const bool within = (ejected + 1) * 100 <= live * policy.max_ejection_percent;
  if (policy.max_ejection_percent == 0 || (ejected > 0 && !within)) {
    ++held_back_;
    return;
  }
  ++endpoint.times_ejected_;
  const Milliseconds longest = std::max(kLongestEjection, policy.base_ejection_time);
  const auto wanted = policy.base_ejection_time * endpoint.times_ejected_;
  // No further growth that would have to fall again before it can be seen.
  if (wanted > longest && endpoint.times_ejected_ > 1) --endpoint.times_ejected_;
  endpoint.ejected_until_ = now + std::min<Milliseconds>(wanted, longest);
  endpoint.ejected_for_ = kind;
  endpoint.state_.ejected.store(true, kRelaxed);
  changes_.count.fetch_add(1, std::memory_order_release);
  ++ejections_[static_cast<std::size_t>(kind)];
}

void ClusterRecord::take_back(EndpointRecord& endpoint, TimePoint now) {
  endpoint.forget_failures();
  endpoint.changed_at_ = now;
  endpoint.state_.ejected.store(false, kRelaxed);
  changes_.count.fetch_add(1, std::memory_order_release);
}

void ClusterRecord::sweep(TimePoint now) {
  const MutexLock lock(mutex_);
  const auto& policy = policy_->outlier_detection;
  for (auto entry = endpoints_.begin(); entry != endpoints_.end();) {
    const auto endpoint = entry->second.lock();
    if (!endpoint) {
      entry = endpoints_.erase(entry);
      continue;
    }
    ++entry;
    if (endpoint->state_.ejected.load(kRelaxed)) {
      if (!policy || now >= endpoint->ejected_until_) take_back(*endpoint, now);
    } else if (endpoint->times_ejected_ > 0 &&
               (!policy || now - endpoint->changed_at_ >= policy->interval)) {
      --endpoint->times_ejected_;
      endpoint->changed_at_ = now;
    }
  }
}

ClusterView ClusterRecord::view(TimePoint now) {
  ClusterView out;
  out.key = key_;
  out.requests = requests_.load(kRelaxed);
  out.pending = pending_.load(kRelaxed);
  out.retries = retries_.load(kRelaxed);
  out.connections = connections_.load(kRelaxed);
  for (std::size_t i = 0; i < overflows_.size(); ++i)
    out.overflows[i] = overflows_[i].load(kRelaxed);
  const MutexLock lock(mutex_);
  out.ejections = ejections_;
  out.ejections_held_back = held_back_;
  for (const auto& [address, weak] : endpoints_) {
    const auto endpoint = weak.lock();
    if (!endpoint) continue;
    EndpointView& view = out.endpoints.emplace_back();
    view.address = address;
    view.in_flight = endpoint->state_.in_flight.load(kRelaxed);
    view.connections = endpoint->connections_.load(kRelaxed);
    view.ejected = endpoint->state_.ejected.load(kRelaxed);
    view.times_ejected = endpoint->times_ejected_;
    if (!view.ejected) continue;
    ++out.ejected;
    view.cause = endpoint->ejected_for_;
    view.returns_in =
        std::max(Milliseconds(0), std::chrono::ceil<Milliseconds>(endpoint->ejected_until_ - now));
  }
  std::ranges::sort(out.endpoints, {}, &EndpointView::address);
  return out;
}

}  // namespace sluice::health
