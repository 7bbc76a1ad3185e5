// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/retry.hpp"

#include <algorithm>

namespace sluice::proxy {
namespace {

using Policy = model::RetryPolicy;

constexpr std::uint32_t kGrpc = Policy::kGrpcCancelled | Policy::kGrpcDeadlineExceeded |
                                Policy::kGrpcInternal | Policy::kGrpcResourceExhausted |
                                Policy::kGrpcUnavailable;
// What can only be told after the request was sent.
constexpr std::uint32_t kAfterSending = Policy::k5xx | Policy::kGatewayError | Policy::kReset |
                                        Policy::kRetriable4xx | Policy::kRetriableStatusCodes |
                                        Policy::kRetriableHeaders;

bool is_gateway_error(std::uint16_t status) { return status >= 502 && status <= 504; }

bool is_grpc(const http::RequestHead& head) {
  return head.headers.get("Content-Type").value_or("").starts_with("application/grpc");
}

// The condition of a grpc-status; 0 for those that no condition names.
std::uint32_t condition_of_grpc(std::string_view status) {
  if (status == "1") return Policy::kGrpcCancelled;
  if (status == "4") return Policy::kGrpcDeadlineExceeded;
  if (status == "8") return Policy::kGrpcResourceExhausted;
  if (status == "13") return Policy::kGrpcInternal;
  if (status == "14") return Policy::kGrpcUnavailable;
  return 0;
}

}  // namespace

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS" || method == "TRACE";
}

void Retry::begin(const model::RetryPolicy& policy, const http::RequestHead& head) {
  policy_ = &policy;
  count_ = 0;
  repeatable_ = is_idempotent(head.method) || has(Policy::kUnsafeMethods);
  grpc_ = has(kGrpc) && is_grpc(head);
  keeps_body_ = policy.attempts > 0 && ((repeatable_ && has(kAfterSending)) || grpc_);
}

bool Retry::wants(Failure failure, bool untouched) const {
  if (!left()) return false;
  if (failure == Failure::kConnect) {
    return has(Policy::kConnectFailure | Policy::k5xx | Policy::kGatewayError);
  }
  if (untouched && has(Policy::kResetBeforeRequest)) return true;
  // It would become a 502 or 504, so the conditions for those cover it.
  return (repeatable_ || untouched) && has(Policy::kReset | Policy::k5xx | Policy::kGatewayError);
}

bool Retry::wants(const http::ResponseHead& answer) const {
  if (!left()) return false;
  if (grpc_) {
    const auto status = answer.headers.get("grpc-status");
    if (status && has(condition_of_grpc(*status))) return true;
  }
  if (!repeatable_) return false;
  if (wants_status(answer.status)) return true;
  return has(Policy::kRetriableHeaders) &&
         std::ranges::any_of(policy_->headers,
                             [&](const std::string& name) { return answer.headers.has(name); });
}

bool Retry::wants_status(std::uint16_t status) const {
  if (status >= 500 && has(Policy::k5xx)) return true;
  if (is_gateway_error(status) && has(Policy::kGatewayError)) return true;
  if (status == 409 && has(Policy::kRetriable4xx)) return true;
  return has(Policy::kRetriableStatusCodes) &&
         std::ranges::find(policy_->statuses, status) != policy_->statuses.end();
}

Milliseconds Retry::next_delay(std::uint64_t random) {
  constexpr std::int64_t kMostTimes = 10;
  const std::int64_t times =
      std::min(kMostTimes, std::int64_t{1} << std::min<std::uint32_t>(count_, 4));
  ++count_;
  const std::int64_t most = policy_->backoff.count() * times;
  if (most <= 0) return Milliseconds(0);
  return Milliseconds(1 + static_cast<std::int64_t>(random % static_cast<std::uint64_t>(most)));
}

}  // namespace sluice::proxy
