// SPDX-License-Identifier: Apache-2.0
// Which rule of a TCP listener a connection takes (Istio TCPRoute): the first of which any match holds; all conditions
// of one match must hold. Callers: proxy, explain. Thread: any. Pure.
#pragma once
#include <cstddef>
#include <optional>
#include <span>

#include "agent/base/ip_address.hpp"
#include "agent/model/route.hpp"

namespace sluice::routing {

// `destination`: what the client connected to. Index into `routes`; nullopt: none takes it.
[[nodiscard]] std::optional<std::size_t> match_tcp(std::span<const model::TcpRoute> routes,
                                                   const SocketAddress& destination);

}  // namespace sluice::routing
