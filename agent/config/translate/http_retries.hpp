// SPDX-License-Identifier: Apache-2.0
// VirtualService http[].retries. Called by translate/http_route. Thread: main.
#pragma once
#include <optional>

#include "agent/config/translate/decode.hpp"

namespace sluice::config {

// `headers` may be null; a request field that only says which answers are tried again is taken out of it.
[[nodiscard]] std::optional<model::RetryPolicy> read_retries(const DecodeInput& input,
                                                             Fields& route,
                                                             model::HeaderRules* headers);

}  // namespace sluice::config
