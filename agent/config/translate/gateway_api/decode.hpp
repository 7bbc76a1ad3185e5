// SPDX-License-Identifier: Apache-2.0
// The decoders of gateway.networking.k8s.io and Namespace, and what they share. Called by translate/decode.
// Thread: main.
#pragma once
#include <optional>
#include <vector>

#include "agent/config/translate/decode.hpp"

namespace sluice::config {

[[nodiscard]] GatewayClassSpec decode_gateway_class(const DecodeInput& input);
[[nodiscard]] ApiGatewaySpec decode_api_gateway(const DecodeInput& input);
[[nodiscard]] ListenerSetSpec decode_listener_set(const DecodeInput& input);
[[nodiscard]] ApiRouteSpec decode_api_http_route(const DecodeInput& input);
[[nodiscard]] ApiRouteSpec decode_api_l4_route(const DecodeInput& input);
[[nodiscard]] ReferenceGrantSpec decode_reference_grant(const DecodeInput& input);
[[nodiscard]] NamespaceSpec decode_name_space(const DecodeInput& input);

[[nodiscard]] StatusTarget status_target(const DecodeInput& input);
// spec.listeners of a Gateway or ListenerSet.
[[nodiscard]] std::vector<ApiListenerSpec> read_listeners(const DecodeInput& input, Fields& spec);
// `namespaces` of allowedRoutes and allowedListeners.
[[nodiscard]] NamespaceRule read_name_spaces(const DecodeInput& input, Fields& allowed,
                                             NamespaceRule::From otherwise);
// metadata, parentRefs and status of a route; `spec` is left open for its rules.
[[nodiscard]] ApiRouteSpec read_route_frame(const DecodeInput& input, Fields& spec);
// A host name of the API, lower case: exact or "*.suffix". What is none is reported.
[[nodiscard]] std::string read_hostname(const DecodeInput& input, const Text& text);
// group, kind, namespace, name and port of `fields`, which are left open.
[[nodiscard]] BackendReference read_backend(const DecodeInput& input, Fields& fields,
                                            const Located& located);

}  // namespace sluice::config
