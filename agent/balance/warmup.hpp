// SPDX-License-Identifier: Apache-2.0
// warmup_factor: which part of its weight an endpoint has while it warms up (Istio's loadBalancer.warmup). Pure.
// Thread: any.
#pragma once
#include "agent/base/clock.hpp"
#include "agent/model/traffic_policy.hpp"

namespace sluice::balance {

// From minimum_percent at `since` to 1 after the duration: max(minimum, (age / duration)^(1 / aggression)). A
// `since` of 0 is for long, however short the machine has been up.
[[nodiscard]] double warmup_factor(const model::Warmup& warmup, TimePoint since, TimePoint now);

}  // namespace sluice::balance
