// SPDX-License-Identifier: Apache-2.0
// ApiWorld: from decoded objects of Gateway API to the World's listeners and to the status report. Routes are linked
// again only when they, services that they name or grants changed. Called by translator.cpp. Thread: main.
#pragma once
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>

#include "agent/config/translate/gateway_api/hosts.hpp"
#include "agent/config/translate/link_cache.hpp"

namespace sluice::config {

class ApiWorld {
 public:
  // After LinkCache::refresh(). Adds to `world`, which has what Istio's objects ask for.
  void build(const SpecSet& specs, const SpecStore::Changes& changes, LinkCache& links,
             GatewayAddresses addresses, model::World& world, StatusReport& status,
             Diagnostics& diagnostics);

 private:
  struct Entry {
    LinkedApiRoutePtr linked;
    bool used = false;
  };
  struct Port;
  using Ports =
      std::map<std::tuple<std::uint16_t, std::optional<IpAddress>, bool>, Port>;  // true: UDP

  void refresh(const SpecStore::Changes& changes, const LinkCache& links);
  [[nodiscard]] const LinkedApiRoutePtr& link(const ApiRouteSpec& spec, const SpecSet& specs,
                                              LinkCache& links);
  void attach_routes(const SpecSet& specs, ApiGateways& gateways, const NamespaceLabels& labels,
                     LinkCache& links, StatusReport& status, Diagnostics& diagnostics);
  [[nodiscard]] Ports collect_ports(const SpecSet& specs, const ApiGateways& gateways,
                                    Diagnostics& diagnostics) const;
  void add_listener(const Port& port, model::World& world, Diagnostics& diagnostics);

  void refuse_newest(const SpecSet& specs, ApiGateways& gateways, const NamespaceLabels& labels,
                     StatusReport& status) const;

  std::unordered_map<const ApiRouteSpec*, Entry> entries_;
  std::map<std::string, ApiHostMemory> hosts_;  // by listener name
  // Of one build.
  std::map<const ApiListener*, std::vector<LinkedApiRoutePtr>> routes_;
  std::map<std::string, ApiHostMemory> next_hosts_;
};

}  // namespace sluice::config
