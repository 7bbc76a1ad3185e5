// SPDX-License-Identifier: Apache-2.0
// World and diagnostics as text that a person can review. Pure. Thread: any.
#pragma once
#include <string>
#include <vector>

#include "agent/config/config.hpp"

namespace sluice::config {

// `prefix` is cut from the front of file names.
[[nodiscard]] std::string world_text(const model::World& world, const std::string& prefix);
[[nodiscard]] std::string diagnostics_text(const Translation& translation,
                                           const std::string& prefix);

}  // namespace sluice::config
