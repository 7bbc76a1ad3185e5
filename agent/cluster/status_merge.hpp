// SPDX-License-Identifier: Apache-2.0
// What has to be written so that the status of an object says what it should: the current object, as the API server has
// it, against the report. Other controllers' parents and conditions stay; a condition's lastTransitionTime changes with
// its status only. Pure. Called by StatusWriter. Thread: any. Invariants: never throws.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "agent/config/status.hpp"

namespace sluice::cluster {

using WallTime = std::chrono::system_clock::time_point;

// A merge patch of the status subresource, for this very resourceVersion of the object. nullopt: nothing is to be
// written, because all is as it should be, or because the report is about another generation of the object.
using Patch = std::optional<std::string>;
[[nodiscard]] Patch merge_status(std::string_view object, const config::GatewayClassStatus& wanted,
                                 WallTime time);
// `patient`: a condition Programmed that holds stays as it is, although the report says no.
[[nodiscard]] Patch merge_status(std::string_view object, const config::GatewayStatus& wanted,
                                 bool patient, WallTime time);
[[nodiscard]] Patch merge_status(std::string_view object, const config::RouteStatus& wanted,
                                 WallTime time);

}  // namespace sluice::cluster
