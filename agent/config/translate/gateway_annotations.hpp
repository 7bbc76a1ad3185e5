// SPDX-License-Identifier: Apache-2.0
// The sluice.dev/ annotations of Gateways: read with one Gateway, merged into the listener that several may share.
// Called by translate/gateway and translate/listeners. Thread: main.
#pragma once
#include "agent/config/translate/decode.hpp"
#include "agent/config/translate/diagnostics.hpp"

namespace sluice::config {

// Unknown annotations of that prefix and values that do not exist are reported.
[[nodiscard]] GatewayAnnotations read_gateway_annotations(const DecodeInput& input);
// The same for annotations that stand elsewhere than in metadata; what `out` has already stays.
void read_more_annotations(const DecodeInput& input, const Located& annotations,
                           GatewayAnnotations& out);

// What the gateway asks for, beside what older gateways asked for. Where they differ, the first counts for steer-after
// and forwarded-headers, and the strictest for what protects: limits, normalisation, desync mode. Each difference is
// reported with who wins.
void merge_annotations(model::Listener& listener, const GatewayAnnotations& more,
                       Diagnostics& diagnostics);

}  // namespace sluice::config
