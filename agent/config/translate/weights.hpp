// SPDX-License-Identifier: Apache-2.0
// The weights of one route. Called by translate/virtual_service. Thread: main.
#pragma once
#include <cstdint>
#include <optional>

#include "agent/config/manifest/fields.hpp"
#include "agent/config/translate/spec.hpp"

namespace sluice::config {

// In 1/model::kWeightUnit. Whole numbers and decimals alike (rollout controllers write `20.0`), 0
// to 1e9.
[[nodiscard]] std::optional<std::uint64_t> read_weight(const Located& value, Report& report);

// A total of 0 over several destinations is an error; a lone destination gets everything, whatever
// its weight. Warns when a newer version gets the larger share of a pair, which is often a canary's
// split written the wrong way round.
void check_weights(std::vector<DestinationSpec>& destinations, const model::Origin& route,
                   Report& report);

}  // namespace sluice::config
