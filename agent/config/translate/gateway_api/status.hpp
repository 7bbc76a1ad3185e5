// SPDX-License-Identifier: Apache-2.0
// What was judged, as conditions. Called by gateway_api/world. Thread: main. Pure.
#pragma once
#include "agent/config/translate/gateway_api/attach.hpp"
#include "agent/config/translate/gateway_api/link.hpp"

namespace sluice::config {

// Of a Gateway and of the ListenerSets that name it.
void add_gateway_status(const ApiGateway& gateway, std::vector<GatewayStatus>& out);

// Of a route with parents of ours. `linked`: null when it is attached nowhere.
[[nodiscard]] RouteStatus route_status(const ApiRouteSpec& route,
                                       const std::vector<Attachment>& attachments,
                                       const LinkedApiRoute& linked);

// Puts in place of what is said of the version in force what is to be said of the newest one, which is refused.
void refuse(const ApiRouteSpec& newest, const std::vector<Attachment>& attachments,
            const std::string& why, std::vector<RouteStatus>& out);
void refuse(const StatusTarget& newest, const std::string& why, std::vector<GatewayStatus>& out);

// What is wrong with the rules; with `whole` nothing of the route is in force.
struct RuleProblems {
  std::optional<Judgement> first;
  bool whole = false;
};
[[nodiscard]] RuleProblems rule_problems(const ApiRouteSpec& route);

}  // namespace sluice::config
