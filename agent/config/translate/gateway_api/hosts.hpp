// SPDX-License-Identifier: Apache-2.0
// The virtual hosts of one address and port from listeners and routes of Gateway API: each listener's hostname is an
// island, and inside it the most specific host of a route comes first. Called by gateway_api/world. Thread: main.
// Invariants: a virtual host whose routes did not change since `memory` is the same object.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "agent/config/translate/gateway_api/attach.hpp"
#include "agent/config/translate/gateway_api/link.hpp"

namespace sluice::config {

// What the listeners of one address and port have attached.
struct ApiPort {
  std::vector<const ApiListener*> listeners;
  // By listener, in (creation time, namespace, name) order.
  std::map<const ApiListener*, std::vector<LinkedApiRoutePtr>> routes;
};

struct ApiHostMemory {
  struct Host {
    std::vector<LinkedApiRoutePtr> routes;
    std::vector<std::string> domains;
    std::string name;
    model::VirtualHostPtr host;
  };
  std::map<std::string, Host> hosts;  // by first domain
};

[[nodiscard]] std::vector<model::VirtualHostPtr> build_api_hosts(const ApiPort& port,
                                                                 ApiHostMemory& memory);

}  // namespace sluice::config
