// SPDX-License-Identifier: Apache-2.0
// VirtualService http[].fault. Called by translate/http_route. Thread: main.
#pragma once
#include <optional>

#include "agent/config/translate/decode.hpp"

namespace sluice::config {

// nullopt without the field, and when nothing of it can be done, which is reported.
[[nodiscard]] std::optional<model::Fault> read_fault(const DecodeInput& input, Fields& route);

}  // namespace sluice::config
