// SPDX-License-Identifier: Apache-2.0
// Durations as the Istio API writes them: "1.5s", "100ms", "1h30m". Called by the translators of routes and of
// traffic policies. Thread: main. Pure.
#pragma once
#include <optional>
#include <string_view>

#include "agent/base/clock.hpp"
#include "agent/config/manifest/fields.hpp"

namespace sluice::config {

// One or more decimal numbers, each with its unit: h, m, s, ms, us, ns; "0" alone needs none. nullopt for anything
// else, for what is negative and for more than 10 years.
[[nodiscard]] std::optional<Nanoseconds> parse_duration(std::string_view text);

// The field in whole milliseconds, as Istio's validation asks for; at least `minimum`. What is wrong is reported.
[[nodiscard]] std::optional<Milliseconds> read_duration(Fields& fields, std::string_view name,
                                                        Milliseconds minimum = Milliseconds{1});

}  // namespace sluice::config
