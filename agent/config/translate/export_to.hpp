// SPDX-License-Identifier: Apache-2.0
// exportTo, a field of VirtualServices, DestinationRules and ServiceEntries. Called by their translators.
// Thread: main.
#pragma once
#include "agent/config/translate/decode.hpp"

namespace sluice::config {

// `*` or nothing: every namespace; `.`: the object's own; `~`: none; else the namespaces named. What cannot be one is
// reported.
[[nodiscard]] ExportTo read_export_to(const DecodeInput& input, Fields& spec);
// The same from the annotation networking.istio.io/exportTo of a Service: "shop, pay".
[[nodiscard]] ExportTo read_export_annotation(const DecodeInput& input);

}  // namespace sluice::config
