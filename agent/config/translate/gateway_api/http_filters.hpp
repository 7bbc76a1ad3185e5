// SPDX-License-Identifier: Apache-2.0
// The filters of an HTTPRoute's rule or backend. Called by gateway_api/http_route. Thread: main.
#pragma once
#include "agent/config/translate/gateway_api/decode.hpp"

namespace sluice::config {

// `filters` of a rule, put into its route. What this version cannot do, and filters that exclude each other, become the
// rule's problem: the API forbids to skip them.
void read_rule_filters(const DecodeInput& input, Fields& rule, ApiRule& out);
// `filters` of a backend: header changes.
void read_backend_filters(const DecodeInput& input, Fields& fields, BackendReference& backend,
                          ApiRule& out);

}  // namespace sluice::config
