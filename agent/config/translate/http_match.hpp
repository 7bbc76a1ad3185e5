// SPDX-License-Identifier: Apache-2.0
// One item of VirtualService spec.http[].match. Called by translate/virtual_service. Thread: main.
#pragma once
#include <initializer_list>
#include <optional>

#include "agent/config/translate/decode.hpp"

namespace sluice::config {

// nullopt when the item holds a condition that this version cannot check: such a match never
// matches, because leaving the condition out would widen it. The report says so.
[[nodiscard]] std::optional<MatchSpec> read_http_match(const DecodeInput& input,
                                                       const Located& located);

// A map with exactly one of exact, prefix and regex. `empty_is_present`: an empty map asks for any value (headers and
// query parameters).
[[nodiscard]] std::optional<model::StringMatch> read_string_match(const DecodeInput& input,
                                                                  const Located& located,
                                                                  bool empty_is_present);

// `gateways` of a match: "ns/name", or the reserved "mesh".
[[nodiscard]] std::vector<std::string> read_match_gateways(const DecodeInput& input, Fields& match);

// Reports the conditions on the workload that sends, of which a gateway knows nothing. True when there is one: the
// match then never holds.
[[nodiscard]] bool reports_source(Fields& match, std::initializer_list<std::string_view> names);

// "name" or "ns/name"; reports what is neither.
[[nodiscard]] std::optional<GatewayReference> read_gateway_reference(const DecodeInput& input,
                                                                     const Text& text);

}  // namespace sluice::config
