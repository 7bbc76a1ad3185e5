// SPDX-License-Identifier: Apache-2.0
// One item of VirtualService spec.http: its matches, its destinations and what it does besides. Called by
// translate/virtual_service. Thread: main.
#pragma once
#include "agent/config/translate/decode.hpp"

namespace sluice::config {

[[nodiscard]] HttpRouteSpec read_http_route(const DecodeInput& input, const Located& located);

}  // namespace sluice::config
