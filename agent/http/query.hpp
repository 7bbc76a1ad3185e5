// SPDX-License-Identifier: Apache-2.0
// Parameters of a query ("a=1&b=2"), as written: nothing is decoded, so that what is matched and hashed is what the
// endpoint gets. Called by routing and by whoever hashes by a parameter. Pure. Thread: any.
#pragma once
#include <optional>
#include <string_view>

namespace sluice::http {

// The value of the first parameter of that name; "" for "a" and "a=". A view into `query`.
[[nodiscard]] std::optional<std::string_view> query_parameter(std::string_view query,
                                                              std::string_view name);

}  // namespace sluice::http
