// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/tcp_match.hpp"

#include <algorithm>

namespace sluice::routing {
namespace {

bool holds(const model::TcpMatch& match, const SocketAddress& destination) {
  if (match.port && *match.port != destination.port) return false;
  if (match.destination_subnets.empty()) return true;
  return std::ranges::any_of(match.destination_subnets, [&](const IpPrefix& subnet) {
    return subnet.contains(destination.ip);
  });
}

}  // namespace

std::optional<std::size_t> match_tcp(std::span<const model::TcpRoute> routes,
                                     const SocketAddress& destination) {
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const auto& matches = routes[i].matches;
    if (matches.empty()) return i;
    if (std::ranges::any_of(matches, [&](const auto& m) { return holds(m, destination); })) {
      return i;
    }
  }
  return std::nullopt;
}

}  // namespace sluice::routing
