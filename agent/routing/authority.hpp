// SPDX-License-Identifier: Apache-2.0
// The host of an authority as routing compares it. Pure. Thread: any.
#pragma once
#include <string_view>

namespace sluice::routing {

// Without ":port" (digits only; "[::1]:80" gives "[::1]") and without the one dot that may end a
// fully qualified name (RFC 3986 3.2.2: it names the same host). Case is left to the comparison.
[[nodiscard]] std::string_view host_of(std::string_view authority);

}  // namespace sluice::routing
