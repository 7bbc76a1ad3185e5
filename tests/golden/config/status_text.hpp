// SPDX-License-Identifier: Apache-2.0
// The status report as text that a person can review. Pure. Thread: any.
#pragma once
#include <string>

#include "agent/config/status.hpp"

namespace sluice::config {

[[nodiscard]] std::string status_text(const StatusReport& report);

}  // namespace sluice::config
