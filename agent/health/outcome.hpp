// SPDX-License-Identifier: Apache-2.0
// Outcome: how one attempt at an endpoint went, as outlier detection sees it; and the labels of what is counted.
// Thread: any.
#pragma once
#include <cstdint>

namespace sluice::health {

enum class Outcome : std::uint8_t {
  kOk,            // an answer below 500
  kServerError,   // 5xx but for the next
  kGatewayError,  // 502, 503, 504
  kLocalFailure,  // no answer: not connected, reset, timed out
};
[[nodiscard]] constexpr Outcome outcome_of(std::uint16_t status) {
  if (status < 500) return Outcome::kOk;
  return status >= 502 && status <= 504 ? Outcome::kGatewayError : Outcome::kServerError;
}

// Why an endpoint was ejected. LB_EJECTIONS(X): X(enumerator, label, help)
#define LB_EJECTIONS(X)                                                                 \
  X(kServerErrors, "consecutive_5xx", "consecutive5xxErrors answers with 5xx in a row") \
  X(kGatewayErrors, "consecutive_gateway",                                              \
    "consecutiveGatewayErrors answers with 502, 503 or 504 in a row")                   \
  X(kLocalFailures, "consecutive_local_origin",                                         \
    "consecutiveLocalOriginFailures attempts without an answer in a row")

enum class Ejection : std::uint8_t {
#define LB_EJECTION_ENUM(name, label, help) name,
  LB_EJECTIONS(LB_EJECTION_ENUM)
#undef LB_EJECTION_ENUM
      kCount
};
[[nodiscard]] const char* label_of(Ejection ejection);

// Which limit of connectionPool or retryBudget held something back. LB_OVERFLOWS(X): X(enumerator, label, help)
#define LB_OVERFLOWS(X)                                                                        \
  X(kConnections, "connections", "tcp.maxConnections: the request waited or was answered 503") \
  X(kPending, "pending", "http1MaxPendingRequests: answered 503")                              \
  X(kRequests, "requests", "http2MaxRequests: answered 503")                                   \
  X(kRetries, "retries", "maxRetries: not tried again")                                        \
  X(kRetryBudget, "retry_budget", "retryBudget: not tried again")

enum class Overflow : std::uint8_t {
#define LB_OVERFLOW_ENUM(name, label, help) name,
  LB_OVERFLOWS(LB_OVERFLOW_ENUM)
#undef LB_OVERFLOW_ENUM
      kCount
};
[[nodiscard]] const char* label_of(Overflow overflow);

}  // namespace sluice::health
