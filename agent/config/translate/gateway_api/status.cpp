// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/gateway_api/status.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace sluice::config {
namespace {

Condition condition(const char* type, const std::optional<Judgement>& problem, const char* reason,
                    const char* message) {
  if (problem) return {type, false, problem->reason, problem->message};
  return {type, true, reason, message};
}

ListenerStatus listener_status(const ApiListener& listener,
                               const std::optional<Judgement>& owner_refused) {
  ListenerStatus out;
  out.name = listener.spec->name;
  out.supported_kinds = listener.kinds;
  out.attached_routes = listener.attached;
  out.conditions.push_back(
      condition("Accepted", listener.refused, "Accepted", "its protocol is served"));
  if (listener.conflict) {
    out.conditions.push_back(
        {"Conflicted", true, listener.conflict->reason, listener.conflict->message});
  } else {
    out.conditions.push_back(
        {"Conflicted", false, "NoConflicts", "no other listener is in its way"});
  }
  std::optional<Judgement> idle;
  if (listener.conflict) {
    idle = listener.conflict;
  } else if (listener.refused || owner_refused) {
    idle = Judgement{"Invalid", (listener.refused ? *listener.refused : *owner_refused).message};
  } else if (listener.kinds.empty()) {
    idle = Judgement{"Invalid", "no kind of route may attach"};
  }
  out.conditions.push_back(condition("Programmed", idle, "Programmed", "it is served"));
  out.conditions.push_back(
      condition("ResolvedRefs", listener.unresolved, "ResolvedRefs", "what it refers to exists"));
  return out;
}

GatewayStatus owner_status(const StatusTarget& target, const std::vector<ApiListener>& listeners,
                           const std::optional<Judgement>& refused) {
  GatewayStatus out;
  out.target = target;
  const auto bad = std::count_if(listeners.begin(), listeners.end(),
                                 [](const ApiListener& each) { return each.refused.has_value(); });
  const bool none = !listeners.empty() && static_cast<std::size_t>(bad) == listeners.size();
  std::optional<Judgement> problem = refused;
  if (!problem && none) problem = Judgement{"ListenersNotValid", "no listener is accepted"};
  if (!problem && bad > 0) {
    out.conditions.push_back(
        {"Accepted", true, "ListenersNotValid",
         fmt::format("{} of {} listeners are not accepted", bad, listeners.size())});
  } else {
    out.conditions.push_back(condition("Accepted", problem, "Accepted", "it is served"));
  }
  std::optional<Judgement> idle = problem;
  const bool is_gateway = target.kind == "Gateway";
  if (idle && is_gateway) idle->reason = "Invalid";
  out.conditions.push_back(condition("Programmed", idle, "Programmed", "it is served"));
  for (const ApiListener& listener : listeners) {
    out.listeners.push_back(listener_status(listener, refused));
  }
  return out;
}

}  // namespace

void add_gateway_status(const ApiGateway& gateway, std::vector<GatewayStatus>& out) {
  GatewayStatus status = owner_status(gateway.spec->target, gateway.listeners, gateway.refused);
  status.wanted_addresses = gateway.spec->wanted;
  status.addresses = gateway.spec->assigned;
  for (const ApiListenerSet& set : gateway.sets) {
    GatewayStatus of_set = owner_status(set.spec->target, set.listeners, set.refused);
    if (of_set.conditions.front().holds) ++status.attached_listener_sets;
    out.push_back(std::move(of_set));
  }
  out.push_back(std::move(status));
}

namespace {

template <typename T>
T& find_or_add(const StatusTarget& target, std::vector<T>& list) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const T& each) {
    return each.target.kind == target.kind && each.target.name_space == target.name_space &&
           each.target.name == target.name;
  });
  return found == list.end() ? list.emplace_back() : *found;
}

}  // namespace

void refuse(const ApiRouteSpec& newest, const std::vector<Attachment>& attachments,
            const std::string& why, std::vector<RouteStatus>& out) {
  if (attachments.empty() && !newest.had_status) return;
  RouteStatus& status = find_or_add(newest.target, out);
  status = {newest.target, {}};
  for (const Attachment& attachment : attachments) {
    const ParentReference& parent = *attachment.parent;
    status.parents.push_back({parent.group,
                              parent.kind,
                              parent.name_space,
                              parent.name,
                              parent.section,
                              parent.port,
                              {{"Accepted", false, "UnsupportedValue", why}}});
  }
}

void refuse(const StatusTarget& newest, const std::string& why, std::vector<GatewayStatus>& out) {
  GatewayStatus& status = find_or_add(newest, out);
  status.target = newest;
  status.conditions = {{"Accepted", false, "Invalid", why}, {"Programmed", false, "Invalid", why}};
}

RuleProblems rule_problems(const ApiRouteSpec& route) {
  RuleProblems out;
  out.whole = !route.rules.empty();
  for (const ApiRule& rule : route.rules) {
    if (!rule.problem) {
      out.whole = false;
    } else if (!out.first) {
      out.first = rule.problem;
    }
  }
  return out;
}

RouteStatus route_status(const ApiRouteSpec& route, const std::vector<Attachment>& attachments,
                         const LinkedApiRoute& linked) {
  RouteStatus out;
  out.target = route.target;
  const RuleProblems problems = rule_problems(route);
  for (const Attachment& attachment : attachments) {
    const ParentReference& parent = *attachment.parent;
    ParentStatus status{parent.group, parent.kind, parent.name_space, parent.name, parent.section,
                        parent.port,  {}};
    status.conditions.push_back(
        condition("Accepted", attachment.refused, "Accepted", "it is in force"));
    status.conditions.push_back(
        condition("ResolvedRefs", linked.unresolved, "ResolvedRefs", "what it refers to exists"));
    if (problems.first && !problems.whole) {
      status.conditions.push_back({"PartiallyInvalid", true, problems.first->reason,
                                   problems.first->message + "; that rule answers 500"});
    }
    out.parents.push_back(std::move(status));
  }
  return out;
}

}  // namespace sluice::config
