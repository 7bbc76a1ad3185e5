// SPDX-License-Identifier: Apache-2.0
// loadBalancer.localityLbSetting of a DestinationRule. Called by translate/policy_balancer. Thread: main. Pure.
#pragma once
#include <optional>

#include "agent/config/translate/decode.hpp"
#include "agent/model/traffic_policy.hpp"

namespace sluice::config {

[[nodiscard]] std::optional<model::LocalityPolicy> read_locality_policy(Fields& balancer);

}  // namespace sluice::config
