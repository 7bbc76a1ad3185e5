// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/gateway_api/gateways.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <tuple>

namespace sluice::config {
namespace {

// The kinds of routes that a listener of the protocol could take; none when it is not served.
std::vector<RouteKind> kinds_of(const std::string& protocol) {
  if (protocol == "HTTP") return {{kGatewayApiGroup, "HTTPRoute"}};
  if (protocol == "TCP") return {{kGatewayApiGroup, "TCPRoute"}};
  if (protocol == "UDP") return {{kGatewayApiGroup, "UDPRoute"}};
  return {};
}

ApiListener judge_listener(const ApiListenerSpec& spec, const ObjectMeta& owner,
                           const ApiGateway& gateway) {
  ApiListener out;
  out.spec = &spec;
  out.owner = &owner;
  out.gateway = &gateway;
  out.kinds = kinds_of(spec.protocol);
  if (out.kinds.empty()) {
    out.refused =
        Judgement{"UnsupportedProtocol", fmt::format("protocol {} is not served", spec.protocol)};
  }
  out.unresolved = spec.certificate_problem;
  if (!spec.kinds) return out;
  std::vector<RouteKind> allowed;
  for (const RouteKind& kind : *spec.kinds) {
    if (std::find(out.kinds.begin(), out.kinds.end(), kind) != out.kinds.end()) {
      allowed.push_back(kind);
    } else if (!out.unresolved) {
      out.unresolved =
          Judgement{"InvalidRouteKinds", fmt::format("a listener of protocol {} takes no {}/{}",
                                                     spec.protocol, kind.group, kind.kind)};
    }
  }
  out.kinds = std::move(allowed);
  return out;
}

void set_conflict(ApiListener& listener, const char* reason, const std::string& with) {
  if (listener.conflict) return;
  listener.conflict = Judgement{reason, fmt::format("it has the port of listener {}, {}", with,
                                                    std::string(reason) == "ProtocolConflict"
                                                        ? "and another protocol"
                                                        : "its protocol and its hostname")};
  listener.refused = listener.conflict;
}

// Why the two cannot both be served; null when they can.
const char* conflict_of(const ApiListener& a, const ApiListener& b) {
  if (a.spec->port != b.spec->port) return nullptr;
  // TCP and UDP ports are different ports.
  if ((a.spec->protocol == "UDP") != (b.spec->protocol == "UDP")) return nullptr;
  if (a.spec->protocol != b.spec->protocol) return "ProtocolConflict";
  return a.spec->hostname == b.spec->hostname ? "HostnameConflict" : nullptr;
}

// Among themselves all that conflict lose; against `older` the newer do.
void judge_conflicts(std::vector<ApiListener>& listeners,
                     const std::vector<const ApiListener*>& older) {
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    for (const ApiListener* other : older) {
      if (other->refused) continue;
      if (const char* reason = conflict_of(listeners[i], *other)) {
        set_conflict(listeners[i], reason, other->spec->name);
      }
    }
    for (std::size_t k = 0; k < i; ++k) {
      if (const char* reason = conflict_of(listeners[i], listeners[k])) {
        set_conflict(listeners[i], reason, listeners[k].spec->name);
        set_conflict(listeners[k], reason, listeners[i].spec->name);
      }
    }
  }
}

void judge_addresses(ApiGateway& gateway, GatewayAddresses mode) {
  const ApiGatewaySpec& spec = *gateway.spec;
  for (const GatewayStatus::Address& address : spec.wanted) {
    if (address.type == "IPAddress" || gateway.refused) continue;
    gateway.refused = Judgement{
        "UnsupportedAddress", fmt::format("addresses of type {} do not exist here", address.type)};
  }
  const bool everywhere = mode == GatewayAddresses::kEverywhere;
  for (const GatewayStatus::Address& address : everywhere ? spec.wanted : spec.assigned) {
    if (address.type != "IPAddress" || address.value.empty()) continue;
    const auto ip = IpAddress::parse(address.value);
    if (!ip) continue;
    const std::optional<IpAddress> bind = ip->is_unspecified() ? std::nullopt : ip;
    if (std::find(gateway.addresses.begin(), gateway.addresses.end(), bind) ==
        gateway.addresses.end()) {
      gateway.addresses.push_back(bind);
    }
  }
  if (everywhere && gateway.addresses.empty()) gateway.addresses.emplace_back(std::nullopt);
}

void add_sets(const SpecSet& specs, const NamespaceLabels& labels, ApiGateways& out) {
  for (const ListenerSetSpec* spec : specs.listener_sets) {
    const auto found = out.find(spec->parent);
    if (found == out.end()) continue;
    ApiGateway& gateway = found->second;
    ApiListenerSet set;
    set.spec = spec;
    if (!labels.admits(gateway.spec->allowed_listeners, gateway.spec->meta.name_space,
                       spec->meta.name_space)) {
      set.refused = Judgement{"NotAllowed", fmt::format("Gateway {} lets in no listeners from "
                                                        "namespace {}",
                                                        spec->parent, spec->meta.name_space)};
    } else if (gateway.refused) {
      set.refused =
          Judgement{"ParentNotAccepted", fmt::format("Gateway {} is not accepted", spec->parent)};
    }
    for (const ApiListenerSpec& listener : spec->listeners) {
      set.listeners.push_back(judge_listener(listener, spec->meta, gateway));
    }
    std::vector<const ApiListener*> older;
    for (const ApiListener& listener : gateway.listeners) older.push_back(&listener);
    for (const ApiListenerSet& other : gateway.sets) {
      if (other.refused) continue;
      for (const ApiListener& listener : other.listeners) older.push_back(&listener);
    }
    if (!set.refused) judge_conflicts(set.listeners, older);
    gateway.sets.push_back(std::move(set));
  }
}

// Names of the conformance suite, of features all of whose tests pass: some that are served are not among them, because
// tests need HTTPS (ports of redirects, listener sets) or a field that the standard channel lacks (retries).
const std::vector<std::string>& supported_features() {
  static const std::vector<std::string> kFeatures{"Gateway",
                                                  "GatewayAddressEmpty",
                                                  "GatewayHTTPListenerIsolation",
                                                  "GatewayPort8080",
                                                  "GatewayStaticAddresses",
                                                  "HTTPRoute",
                                                  "HTTPRoute303RedirectStatusCode",
                                                  "HTTPRoute307RedirectStatusCode",
                                                  "HTTPRoute308RedirectStatusCode",
                                                  "HTTPRouteBackendRequestHeaderModification",
                                                  "HTTPRouteBackendTimeout",
                                                  "HTTPRouteCORS",
                                                  "HTTPRouteHostRewrite",
                                                  "HTTPRouteMethodMatching",
                                                  "HTTPRouteNamedRouteRule",
                                                  "HTTPRouteParentRefPort",
                                                  "HTTPRoutePathRedirect",
                                                  "HTTPRoutePathRewrite",
                                                  "HTTPRouteQueryParamMatching",
                                                  "HTTPRouteRequestMirror",
                                                  "HTTPRouteRequestMultipleMirrors",
                                                  "HTTPRouteRequestPercentageMirror",
                                                  "HTTPRouteRequestTimeout",
                                                  "HTTPRouteResponseHeaderModification",
                                                  "HTTPRouteSchemeRedirect",
                                                  "ReferenceGrant",
                                                  "TCPRoute",
                                                  "UDPRoute"};
  return kFeatures;
}

}  // namespace

NamespaceLabels::NamespaceLabels(const SpecSet& specs) {
  for (const NamespaceSpec* each : specs.name_spaces) labels_[each->meta.name] = &each->meta.labels;
}

bool NamespaceLabels::admits(const NamespaceRule& rule, const std::string& own,
                             const std::string& asking) const {
  switch (rule.from) {
    case NamespaceRule::From::kNone:
      return false;
    case NamespaceRule::From::kSame:
      return own == asking;
    case NamespaceRule::From::kAll:
      return true;
    case NamespaceRule::From::kSelector:
      break;
  }
  const auto found = labels_.find(asking);
  Labels labels = found == labels_.end() ? Labels() : *found->second;
  labels["kubernetes.io/metadata.name"] = asking;
  return rule.selector.matches(labels);
}

bool LabelSelector::matches(const Labels& of) const {
  if (!selects(labels, of)) return false;
  return std::all_of(expressions.begin(), expressions.end(), [&](const Expression& each) {
    const auto found = of.find(each.key);
    const bool there = found != of.end();
    if (each.op == "Exists") return there;
    if (each.op == "DoesNotExist") return !there;
    const bool in = there && each.values.contains(found->second);
    return each.op == "In" ? in : !in;
  });
}

std::vector<GatewayClassStatus> judge_classes(const SpecSet& specs) {
  std::vector<GatewayClassStatus> out;
  for (const GatewayClassSpec* spec : specs.gateway_classes) {
    if (spec->controller != kControllerName) continue;
    GatewayClassStatus status;
    status.target = spec->target;
    if (spec->has_parameters) {
      status.conditions.push_back(
          {"Accepted", false, "InvalidParameters", "parametersRef: no kind of parameters exists"});
    } else {
      status.conditions.push_back({"Accepted", true, "Accepted", "it is served"});
    }
    status.supported_features = supported_features();
    out.push_back(std::move(status));
  }
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a.target < b.target; });
  return out;
}

ApiGateways judge_gateways(const SpecSet& specs, const NamespaceLabels& labels,
                           GatewayAddresses addresses) {
  std::set<std::string> classes;
  for (const GatewayClassSpec* spec : specs.gateway_classes) {
    if (spec->controller == kControllerName && !spec->has_parameters) {
      classes.insert(spec->meta.name);
    }
  }
  ApiGateways out;
  for (const ApiGatewaySpec* spec : specs.api_gateways) {
    if (!classes.contains(spec->class_name)) continue;
    ApiGateway& gateway = out[spec->meta.full_name()];
    gateway.spec = spec;
    if (spec->has_parameters) {
      gateway.refused = Judgement{"InvalidParameters",
                                  "infrastructure.parametersRef: no kind of parameters exists"};
    }
    judge_addresses(gateway, addresses);
    for (const ApiListenerSpec& listener : spec->listeners) {
      gateway.listeners.push_back(judge_listener(listener, spec->meta, gateway));
    }
    judge_conflicts(gateway.listeners, {});
  }
  add_sets(specs, labels, out);
  return out;
}

}  // namespace sluice::config
