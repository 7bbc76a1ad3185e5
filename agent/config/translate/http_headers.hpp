// SPDX-License-Identifier: Apache-2.0
// VirtualService http[].headers and http[].route[].headers. Called by translate/http_route and http_destination.
// Thread: main.
#pragma once
#include <optional>

#include "agent/config/translate/decode.hpp"

namespace sluice::config {

// The map `headers` of `fields`; nullopt when it changes nothing. Fields that belong to the connection and not to the
// message (RFC 9110 7.6.1) are reported as unsupported and left alone.
[[nodiscard]] std::optional<model::HeaderRules> read_headers(const DecodeInput& input,
                                                             Fields& fields);

// Where the rules set the request's Host; null where they do not.
[[nodiscard]] const model::HeaderValue* authority_of(const model::HeaderRules& rules);

}  // namespace sluice::config
