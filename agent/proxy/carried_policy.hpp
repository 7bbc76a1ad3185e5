// SPDX-License-Identifier: Apache-2.0
// CarriedPolicy: which connections that the kernel carries have to come back, and why (docs/adr/0004).
// Callers: Context (publish), Steering. Thread: worker.
#pragma once
#include "agent/proxy/steering.hpp"

namespace sluice::proxy {

struct Context;

class CarriedPolicy final : public SteeringUser {
 public:
  explicit CarriedPolicy(Context& context) : context_(context) {}
  CarriedPolicy(const CarriedPolicy&) = delete;
  CarriedPolicy& operator=(const CarriedPolicy&) = delete;

  // SteeringUser
  void returned(Returned connection) override;
  void ended(const CarriedEnd& end) override;

 private:
  Context& context_;
};

}  // namespace sluice::proxy
