// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/authority.hpp"

#include <algorithm>

namespace sluice::routing {

std::string_view host_of(std::string_view authority) {
  std::string_view host = authority;
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos) {
    const std::string_view before = host.substr(0, colon);
    const std::string_view port = host.substr(colon + 1);
    const bool digits = std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
    // A bare "::1" is no authority (RFC 3986 wants brackets): its last group is no port.
    const bool bracketed = before.ends_with(']');
    if (digits && (bracketed || before.find(':') == std::string_view::npos)) host = before;
  }
  if (host.size() > 1 && host.ends_with('.')) host.remove_suffix(1);
  return host;
}

}  // namespace sluice::routing
