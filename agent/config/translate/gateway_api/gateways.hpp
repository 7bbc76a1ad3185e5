// SPDX-License-Identifier: Apache-2.0
// The Gateways of our classes with their listeners, those of ListenerSets included, judged: what is served, and why
// not.
// Called by gateway_api/world. Thread: main. Pure.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/ip_address.hpp"
#include "agent/config/config.hpp"
#include "agent/config/translate/registry.hpp"

namespace sluice::config {

struct ApiGateway;

struct ApiListener {
  const ApiListenerSpec* spec = nullptr;
  const ObjectMeta* owner = nullptr;  // of the Gateway or ListenerSet
  const ApiGateway* gateway = nullptr;
  std::vector<RouteKind> kinds;       // that may attach
  std::optional<Judgement> refused;   // why it is not accepted
  std::optional<Judgement> conflict;  // as well as refused
  std::optional<Judgement> unresolved;
  std::uint32_t attached = 0;  // routes

  // "" for any, as model::VirtualHost has it.
  [[nodiscard]] std::string domain() const { return spec->hostname.empty() ? "*" : spec->hostname; }
};

struct ApiListenerSet {
  const ListenerSetSpec* spec = nullptr;
  std::optional<Judgement> refused;
  std::vector<ApiListener> listeners;
};

struct ApiGateway {
  const ApiGatewaySpec* spec = nullptr;
  std::optional<Judgement> refused;
  std::vector<ApiListener> listeners;
  std::vector<ApiListenerSet> sets;                 // those that name it, in order
  std::vector<std::optional<IpAddress>> addresses;  // where it is served; nullopt: everywhere
};
using ApiGateways = std::map<std::string, ApiGateway>;  // by "ns/name"

// Labels of namespaces; every one has kubernetes.io/metadata.name.
class NamespaceLabels {
 public:
  explicit NamespaceLabels(const SpecSet& specs);
  [[nodiscard]] bool admits(const NamespaceRule& rule, const std::string& own,
                            const std::string& asking) const;

 private:
  std::map<std::string, const Labels*> labels_;
};

[[nodiscard]] std::vector<GatewayClassStatus> judge_classes(const SpecSet& specs);
[[nodiscard]] ApiGateways judge_gateways(const SpecSet& specs, const NamespaceLabels& labels,
                                         GatewayAddresses addresses);

}  // namespace sluice::config
