// SPDX-License-Identifier: Apache-2.0
// Times as Kubernetes writes them (RFC 3339). Called by the translators of Pods and workloads. Thread: main. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::config {

// "2026-01-31T23:59:59Z", with a fraction or an offset such as +01:00 too: seconds since 1970, fractions cut off.
// nullopt for anything else.
[[nodiscard]] std::optional<std::int64_t> parse_timestamp(std::string_view text);

}  // namespace sluice::config
