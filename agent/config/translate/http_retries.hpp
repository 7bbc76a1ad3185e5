// SPDX-License-Identifier: Apache-2.0
// VirtualService http[].retries. Called by translate/http_route. Thread: main.
#pragma once
#include <optional>

#include "agent/config/translate/decode.hpp"

namespace sluice::config {

[[nodiscard]] std::optional<model::RetryPolicy> read_retries(const DecodeInput& input,
                                                             Fields& route);

}  // namespace sluice::config
