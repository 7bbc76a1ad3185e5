// SPDX-License-Identifier: Apache-2.0
// Retry: whether and when one request is sent again, by its route's policy.
// A method that RFC 9110 9.2.2 does not call idempotent is repeated only while the endpoint cannot have acted on it, or
// where the policy asks for it (kUnsafeMethods). A gRPC status that the policy names is such an asking: all gRPC
// requests are POSTs.
// Callers: Stream. Thread: worker. Invariants: says yes at most `attempts` times; the policy outlives it.
#pragma once
#include <cstdint>
#include <string_view>

#include "agent/base/clock.hpp"
#include "agent/http/message.hpp"
#include "agent/model/action.hpp"

namespace sluice::proxy {

[[nodiscard]] bool is_idempotent(std::string_view method);

class Retry {
 public:
  enum class Failure : std::uint8_t {
    kConnect,  // no connection came about
    kReset,    // closed, reset, timed out or nonsense, before a head
  };

  void begin(const model::RetryPolicy& policy, const http::RequestHead& head);

  // Does the policy say that an attempt that failed so is followed by another? `untouched`: the endpoint cannot have
  // acted on the request, for it has got none of it.
  [[nodiscard]] bool wants(Failure failure, bool untouched) const;
  [[nodiscard]] bool wants(const http::ResponseHead& answer) const;
  // Counts the attempt; how long to wait before it: twice as long each time, up to ten times the first, of which
  // `random` gives a part, so that clients that failed together do not come back together.
  [[nodiscard]] Milliseconds next_delay(std::uint64_t random);

  [[nodiscard]] std::uint32_t count() const { return count_; }
  [[nodiscard]] const model::RetryPolicy& policy() const { return *policy_; }
  // What came of the body has to be kept once it was sent.
  [[nodiscard]] bool keeps_body() const { return keeps_body_; }

 private:
  [[nodiscard]] bool has(std::uint32_t conditions) const {
    return (policy_->conditions & conditions) != 0;
  }
  [[nodiscard]] bool left() const { return count_ < policy_->attempts; }
  [[nodiscard]] bool wants_status(std::uint16_t status) const;

  const model::RetryPolicy* policy_ = nullptr;
  std::uint32_t count_ = 0;
  bool repeatable_ = false;  // although the endpoint may have acted on it
  bool grpc_ = false;
  bool keeps_body_ = false;
};

}  // namespace sluice::proxy
