// SPDX-License-Identifier: Apache-2.0
// Shares of requests as the Istio API writes them: `percentage: {value: 0.1}`, or a plain whole number in older
// fields. Called by translate/http_fault and http_mirror. Thread: main. Pure.
#pragma once
#include <optional>
#include <string_view>

#include "agent/config/manifest/fields.hpp"
#include "agent/model/action.hpp"

namespace sluice::config {

// The field is a map with `value`, 0 to 100 with four decimals; a map without one means 0, as in the API.
[[nodiscard]] std::optional<model::Fraction> read_percentage(Fields& fields, std::string_view name);
// The field is a whole number from 0 to 100.
[[nodiscard]] std::optional<model::Fraction> read_whole_percentage(Fields& fields,
                                                                   std::string_view name);

}  // namespace sluice::config
