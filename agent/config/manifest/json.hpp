// SPDX-License-Identifier: Apache-2.0
// parse_json: one JSON text to the same tree that parse_yaml makes, many times faster. What the API server sends is
// read by this. Thread: any. Invariants: never throws; the bounds of tree_builder.hpp hold; marks are unknown (0).
#pragma once
#include <string_view>

#include "agent/config/manifest/yaml.hpp"

namespace sluice::config {

// One document at most.
[[nodiscard]] ParsedYaml parse_json(std::string_view text);

}  // namespace sluice::config
