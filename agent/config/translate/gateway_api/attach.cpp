// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/gateway_api/attach.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "agent/config/translate/hosts.hpp"

namespace sluice::config {
namespace {

// The listeners that the parent has; nullopt when it is not ours.
std::optional<std::vector<ApiListener*>> listeners_of(const ParentReference& parent,
                                                      const std::string& name_space,
                                                      ApiGateways& gateways) {
  if (parent.group != kGatewayApiGroup) return std::nullopt;
  std::vector<ApiListener*> out;
  if (parent.kind == "Gateway") {
    const auto found = gateways.find(name_space + "/" + parent.name);
    if (found == gateways.end()) return std::nullopt;
    for (ApiListener& listener : found->second.listeners) out.push_back(&listener);
    return out;
  }
  if (parent.kind != "ListenerSet") return std::nullopt;
  for (auto& [name, gateway] : gateways) {
    for (ApiListenerSet& set : gateway.sets) {
      const ObjectMeta& meta = set.spec->meta;
      if (meta.name != parent.name || meta.name_space != name_space) continue;
      if (set.refused) return out;
      for (ApiListener& listener : set.listeners) out.push_back(&listener);
      return out;
    }
  }
  return std::nullopt;
}

bool takes_kind(const ApiListener& listener, const StatusTarget& target) {
  return std::any_of(listener.kinds.begin(), listener.kinds.end(),
                     [&](const RouteKind& kind) { return kind.kind == target.kind; });
}

template <typename Keep>
bool narrow(std::vector<ApiListener*>& listeners, Keep keep) {
  std::erase_if(listeners, [&](const ApiListener* each) { return !keep(*each); });
  return !listeners.empty();
}

Attachment attach_to(const ApiRouteSpec& route, const ParentReference& parent,
                     const NamespaceLabels& labels, std::vector<ApiListener*> listeners) {
  Attachment out{&parent, {}, {}};
  const bool any = narrow(listeners, [&](const ApiListener& each) {
    return (!parent.section || each.spec->name == *parent.section) &&
           (!parent.port || each.spec->port == *parent.port);
  });
  if (!any) {
    out.refused = Judgement{"NoMatchingParent", "it has no listener of that name and port"};
    return out;
  }
  const std::string& own = route.meta.name_space;
  if (!narrow(listeners, [&](const ApiListener& each) {
        return takes_kind(each, route.target) &&
               labels.admits(each.spec->name_spaces, each.owner->name_space, own);
      })) {
    out.refused =
        Judgement{"NotAllowedByListeners",
                  fmt::format("no listener takes a {} from namespace {}", route.target.kind, own)};
  } else if (!narrow(listeners, [](const ApiListener& each) { return !each.refused; })) {
    out.refused = Judgement{"NoMatchingParent", "no such listener is accepted"};
  } else if (!narrow(listeners, [&](const ApiListener& each) {
               return !shared_domains(each, route).empty();
             })) {
    out.refused =
        Judgement{"NoMatchingListenerHostname", "no listener has a hostname in common with it"};
  }
  out.listeners = std::move(listeners);
  return out;
}

}  // namespace

std::vector<std::string> shared_domains(const ApiListener& listener, const ApiRouteSpec& route) {
  const std::string own = listener.domain();
  if (route.hostnames.empty()) return {own};
  std::vector<std::string> out;
  for (const std::string& hostname : route.hostnames) {
    auto domain = intersect(own, hostname);
    if (domain && std::find(out.begin(), out.end(), *domain) == out.end()) {
      out.push_back(std::move(*domain));
    }
  }
  return out;
}

std::vector<Attachment> attach(const ApiRouteSpec& route, const NamespaceLabels& labels,
                               ApiGateways& gateways) {
  std::vector<Attachment> out;
  for (const ParentReference& parent : route.parents) {
    const std::string& name_space = parent.name_space.value_or(route.meta.name_space);
    auto listeners = listeners_of(parent, name_space, gateways);
    if (!listeners) continue;
    out.push_back(attach_to(route, parent, labels, std::move(*listeners)));
  }
  return out;
}

}  // namespace sluice::config
