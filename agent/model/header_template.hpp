// SPDX-License-Identifier: Apache-2.0
// The text of a header value, as configuration writes it, to the pieces that model::HeaderValue keeps. Called by
// translation. Pure. Thread: any.
#pragma once
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/model/header_rules.hpp"

namespace sluice::model {

// "a %REQ(x-user?x-guest)% b" to literals and variables (the list is at ValuePiece::Kind); %% is a percent sign.
// kInvalid for an unknown variable, a lone % and a control character, with what to write instead.
[[nodiscard]] Result<std::vector<ValuePiece>> parse_header_value(std::string_view text);

}  // namespace sluice::model
