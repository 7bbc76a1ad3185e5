// SPDX-License-Identifier: Apache-2.0
// trafficPolicy of a DestinationRule: its sections as written, and what holds for one port once all levels are put
// together. Called by translate/destination_rule and registry. Thread: main. Pure.
#pragma once
#include "agent/config/translate/decode.hpp"
#include "agent/config/translate/spec.hpp"
#include "agent/model/traffic_policy.hpp"

namespace sluice::config {

[[nodiscard]] PolicySpec read_traffic_policy(const DecodeInput& input, const Located& located);

// What holds for a subset's ports. Either level may be null. As the API documents it: a section of the subset replaces
// the rule's whole section; the settings of a port replace all sections that a port can have, and those that it leaves
// out are the defaults. The rule's ports are applied before the subset's sections, so those win.
[[nodiscard]] PolicySet combine(const PolicySpec* rule, const PolicySpec* subset);

}  // namespace sluice::config
