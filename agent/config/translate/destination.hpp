// SPDX-License-Identifier: Apache-2.0
// From a virtual service's destinations to clusters. Called by translate/link. Thread: main. Pure.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/config/translate/registry.hpp"

namespace sluice::config {

using Clusters = std::map<std::string, model::ClusterPtr>;

struct LinkedRoute {
  model::Route route;              // without the matches that only other gateways see
  std::vector<MatchSpec> matches;  // all of them; empty with matches_all
  bool matches_all = true;
};

struct LinkedTcpRoute {
  model::TcpRoute route;              // without its matches
  std::vector<TcpMatchSpec> matches;  // all of them; empty with matches_all
  bool matches_all = true;
};

// A virtual service whose destinations have been looked up. `problems` with an error means that
// something it names does not exist; its cluster is then present and empty, so that its share is
// answered with 503.
struct LinkedVirtualService {
  const VirtualServiceSpec* spec = nullptr;
  std::vector<LinkedRoute> routes;
  std::vector<LinkedTcpRoute> tcp_routes;
  Clusters clusters;
  Diagnostics problems;
  Diagnostics placement;  // warnings about how its hosts, routes and gateways fit
};
using LinkedServices = std::vector<std::shared_ptr<const LinkedVirtualService>>;  // none is null

// The cluster of all endpoints of a service's port, under what destination rules say of it. `suffix`: of its
// key, for a port of another transport.
[[nodiscard]] model::ClusterPtr whole_cluster(const Registry& registry,
                                              const RegistryService& service,
                                              const RegistryPort& port, const char* suffix = "");

[[nodiscard]] LinkedVirtualService link_virtual_service(const VirtualServiceSpec& spec,
                                                        const SpecSet& specs,
                                                        const Registry& registry);

}  // namespace sluice::config
