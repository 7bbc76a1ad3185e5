// SPDX-License-Identifier: Apache-2.0
// trafficPolicy.loadBalancer of a DestinationRule. Called by translate/traffic_policy. Thread: main. Pure.
#pragma once
#include "agent/config/translate/decode.hpp"
#include "agent/model/traffic_policy.hpp"

namespace sluice::config {

[[nodiscard]] model::LoadBalancer read_load_balancer(const Located& located, Report& report);

}  // namespace sluice::config
