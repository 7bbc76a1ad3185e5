// SPDX-License-Identifier: Apache-2.0
// Which listeners a route attaches to through each of its parents. Called by gateway_api/world. Thread: main.
#pragma once
#include <optional>
#include <vector>

#include "agent/config/translate/gateway_api/gateways.hpp"

namespace sluice::config {

struct Attachment {
  const ParentReference* parent = nullptr;
  std::vector<ApiListener*> listeners;  // that it is attached to
  std::optional<Judgement> refused;     // when there is none
};

// The parents that are ours; others' stay theirs to judge.
[[nodiscard]] std::vector<Attachment> attach(const ApiRouteSpec& route,
                                             const NamespaceLabels& labels, ApiGateways& gateways);

// The hosts of which requests to the listener may be the route's; all of the listener's where the route names none.
[[nodiscard]] std::vector<std::string> shared_domains(const ApiListener& listener,
                                                      const ApiRouteSpec& route);

}  // namespace sluice::config
