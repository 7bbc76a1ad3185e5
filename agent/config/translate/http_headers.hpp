// SPDX-License-Identifier: Apache-2.0
// VirtualService http[].headers and http[].route[].headers. Called by translate/http_route and http_destination.
// Thread: main.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "agent/config/translate/decode.hpp"

namespace sluice::config {

// A field name: one token of RFC 9110 5.6.2.
[[nodiscard]] bool is_header_name(std::string_view name);

struct ReadHeaders {
  model::HeaderRules rules;
  // What `set` or `add` of a request says about Host (or :authority): a rewrite of the authority.
  std::optional<PlacedText> authority;
};

// The map `headers` of `fields`; nullopt when there is none. Fields that belong to the connection and not to the
// message (RFC 9110 7.6.1) are reported as unsupported and left alone.
[[nodiscard]] std::optional<ReadHeaders> read_headers(const DecodeInput& input, Fields& fields);

}  // namespace sluice::config
