// SPDX-License-Identifier: Apache-2.0
// One item of VirtualService spec.tcp. Called by translate/virtual_service. Thread: main.
#pragma once
#include "agent/config/translate/decode.hpp"

namespace sluice::config {

[[nodiscard]] TcpRouteSpec read_tcp_route(const DecodeInput& input, const Located& located);

}  // namespace sluice::config
