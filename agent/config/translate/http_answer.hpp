// SPDX-License-Identifier: Apache-2.0
// The answers that a route gives by itself, VirtualService http[].redirect and directResponse, and http[].rewrite,
// which shares their rules about URLs. Called by translate/http_route. Thread: main.
#pragma once
#include <optional>

#include "agent/config/translate/decode.hpp"

namespace sluice::config {

// `matches`: of the same route; prefixRewrite needs prefixes to replace.
[[nodiscard]] std::optional<model::Redirect> read_redirect(const DecodeInput& input, Fields& route,
                                                           const std::vector<MatchSpec>& matches);
[[nodiscard]] std::optional<model::DirectResponse> read_direct_response(const DecodeInput& input,
                                                                        Fields& route);
[[nodiscard]] std::optional<model::Rewrite> read_rewrite(const DecodeInput& input, Fields& route);

// Reports an authority that no Host field may hold (RFC 9110 7.2).
[[nodiscard]] bool check_authority(const PlacedText& authority, Report& report);

}  // namespace sluice::config
