// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/request_load.hpp"

namespace sluice::proxy {

bool RequestLoad::begin(ClusterUse& use) {
  use_ = &use;
  const model::TrafficPolicy& policy = use.policy();
  // Counted only where something asks for it: the counter is shared by all workers.
  if (!policy.connection_pool.max_requests && !policy.retry_budget) return true;
  request_ = use.record().begin_request(policy.connection_pool);
  return static_cast<bool>(request_);
}

bool RequestLoad::begin_retry() {
  const model::TrafficPolicy& policy = use_->policy();
  if (retry_ || (!policy.connection_pool.max_retries && !policy.retry_budget)) return true;
  retry_ = use_->record().begin_retry(policy);
  return static_cast<bool>(retry_);
}

void RequestLoad::begin_attempt(std::uint32_t endpoint) {
  at_ = &use_->record(endpoint);
  in_flight_ = at_->begin_request();
  tried_.push_back(endpoint);
}

void RequestLoad::undo_attempt() {
  at_ = nullptr;
  in_flight_.release();
  tried_.pop_back();
}

bool RequestLoad::begin_pending() {
  const model::ConnectionPool& limits = use_->policy().connection_pool;
  if (pending_ || !limits.max_pending_requests) return true;
  pending_ = use_->record().begin_pending(limits);
  return static_cast<bool>(pending_);
}

void RequestLoad::report(health::Outcome outcome, TimePoint now) {
  if (at_ == nullptr) return;
  const auto& policy = use_->policy().outlier_detection;
  if (policy) at_->report(outcome, *policy, now);
  at_ = nullptr;
}

void RequestLoad::end() {
  if (use_ == nullptr) return;
  use_ = nullptr;
  at_ = nullptr;
  pending_.release();
  in_flight_.release();
  retry_.release();
  request_.release();
  tried_.clear();
}

}  // namespace sluice::proxy
