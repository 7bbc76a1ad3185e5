// SPDX-License-Identifier: Apache-2.0
// The matches of a root's route and of its delegate's, joined. Called by translate/delegate. Thread: main. Pure.
#pragma once
#include <optional>
#include <string>

#include "agent/config/translate/spec.hpp"

namespace sluice::config {

// Why requests that `leaf` takes may not be ones that `root` takes, as the field that says so; nullopt when they are.
[[nodiscard]] std::optional<std::string> match_conflict(const MatchSpec& root,
                                                        const MatchSpec& leaf);

// `leaf` with the conditions that only `root` has. For matches that do not conflict.
[[nodiscard]] MatchSpec merge_match(const MatchSpec& root, const MatchSpec& leaf);

}  // namespace sluice::config
