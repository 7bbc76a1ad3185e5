// SPDX-License-Identifier: Apache-2.0
// VirtualService http[].corsPolicy. Called by translate/http_route. Thread: main.
#pragma once
#include <optional>

#include "agent/config/translate/decode.hpp"

namespace sluice::config {

[[nodiscard]] std::optional<model::Cors> read_cors(const DecodeInput& input, Fields& route);

}  // namespace sluice::config
