// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648 4), as `bytes` fields of the API are written. Called by translate/http_answer. Thread: any. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace sluice::config {

// Line ends and spaces between are passed over, as YAML block texts have them. nullopt for what is no base64.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace sluice::config
