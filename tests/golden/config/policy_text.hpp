// SPDX-License-Identifier: Apache-2.0
// What a traffic policy says, as text for golden tests. Thread: any.
#pragma once
#include <string>

#include "agent/model/traffic_policy.hpp"

namespace sluice::config {

// One indented line a section that is not the default; nothing for the default policy.
[[nodiscard]] std::string policy_text(const model::TrafficPolicy& policy,
                                      const std::string& prefix);
// "region/zone/subzone" without empty ends; "" when unknown.
[[nodiscard]] std::string locality_text(const model::Locality& locality);

}  // namespace sluice::config
