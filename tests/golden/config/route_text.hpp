// SPDX-License-Identifier: Apache-2.0
// What a route does, as text for golden tests. Thread: any.
#pragma once
#include <string>

#include "agent/model/route.hpp"

namespace sluice::config {

// One indented line an action. `prefix` is cut from file names.
[[nodiscard]] std::string actions_text(const model::Route& route, const std::string& prefix);
// "set a: b, add c: d, remove e", or empty. Of a destination or a route, request and response.
[[nodiscard]] std::string headers_text(const model::HeaderRules& rules);
[[nodiscard]] std::string string_match_text(const model::StringMatch& match);
[[nodiscard]] std::string place_text(model::Origin origin, const std::string& prefix);

}  // namespace sluice::config
