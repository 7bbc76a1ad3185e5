// SPDX-License-Identifier: Apache-2.0
// Decimal numbers and limits of traffic policies. Called by translate/traffic_policy and the files of its sections.
// Thread: main. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/config/manifest/fields.hpp"

namespace sluice::config {

// A whole or decimal number from `low` to `high`; anything else is reported.
[[nodiscard]] std::optional<double> read_number(Fields& fields, std::string_view name, double low,
                                                double high);
// A limit of the API's int32 fields. Their 0 stands for "not set", and a warning says so: `meaning` names what holds
// then.
[[nodiscard]] std::optional<std::uint32_t> read_limit(Fields& fields, std::string_view name,
                                                      std::string_view meaning);

}  // namespace sluice::config
