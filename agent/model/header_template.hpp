// SPDX-License-Identifier: Apache-2.0
// What configuration may write as names and values of HeaderRules: the text of a value to the pieces that
// model::HeaderValue keeps. Called by translation and when rules are compiled. Pure. Thread: any.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/model/header_rules.hpp"

namespace sluice::model {

// "a %REQ(x-user?x-guest)% b" to literals and variables (the list is at ValuePiece::Kind); %% is a percent sign.
// kInvalid for an unknown variable, a lone % and a control character, with what to write instead.
[[nodiscard]] Result<std::vector<ValuePiece>> parse_header_value(std::string_view text);

// What parse_header_value() reads as these pieces.
[[nodiscard]] std::string to_text(const std::vector<ValuePiece>& pieces);

// nullopt when a rule may set, add or remove this field; else why not, with what to write instead. Not: what is no
// field name, other pseudo-headers than ":authority" (the Host), and the fields by which messages are framed and
// connections are kept (RFC 9110 7.6.1), which the proxy writes itself.
[[nodiscard]] std::optional<std::string> check_header_name(std::string_view name);
// "host" in any case, or ":authority".
[[nodiscard]] bool names_authority(std::string_view name);

}  // namespace sluice::model
