// SPDX-License-Identifier: Apache-2.0
// Where a route sends requests: `route`, `mirror` and `mirrors` of VirtualService http[], and `route` of tcp[]. Called
// by translate/http_route and tcp_route. Thread: main.
#pragma once
#include <optional>

#include "agent/config/translate/decode.hpp"

namespace sluice::config {

// One item of `route`: `destination`, `weight` and, of HTTP routes, `headers`.
enum class RouteProtocol { kHttp, kTcp };
[[nodiscard]] DestinationSpec read_route_item(const DecodeInput& input, const Located& located,
                                              RouteProtocol protocol);

// `mirror` with its percentage in either spelling, and `mirrors`; those of 0 % are left out.
[[nodiscard]] std::vector<MirrorSpec> read_mirrors(const DecodeInput& input, Fields& route);

}  // namespace sluice::config
