// SPDX-License-Identifier: Apache-2.0
// Durations for people: "100 ms", "1.5 s". Pure. Thread: any.
#pragma once
#include <fmt/core.h>

#include <string>

#include "agent/base/clock.hpp"

namespace sluice::app {

[[nodiscard]] inline std::string duration_text(Milliseconds duration) {
  const auto count = duration.count();
  if (count < 1000) return fmt::format("{} ms", count);
  return fmt::format("{:g} s", static_cast<double>(count) / 1000.0);
}

}  // namespace sluice::app
