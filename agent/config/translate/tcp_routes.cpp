// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/tcp_routes.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace sluice::config {
namespace {

// The gateways of the listener through which the virtual service is seen: one of its hosts must be let in, although no
// connection says which it is for.
std::set<std::string> gateways_of(const LinkedVirtualService& service,
                                  const std::vector<BoundServer>& servers,
                                  const std::string& cluster_domain) {
  std::set<std::string> out;
  for (const BoundServer& bound : servers) {
    if (!binds(*service.spec, *bound.gateway)) continue;
    if (!shared_domains(*service.spec, *bound.server, cluster_domain).empty()) {
      out.insert(bound.gateway->meta.full_name());
    }
  }
  return out;
}

void add_routes(const LinkedVirtualService& service, const std::set<std::string>& gateways,
                std::vector<model::TcpRoute>& out) {
  for (const LinkedTcpRoute& linked : service.tcp_routes) {
    model::TcpRoute route = linked.route;
    for (const TcpMatchSpec& match : linked.matches) {
      if (seen_through(match.gateways, gateways)) route.matches.push_back(match.match);
    }
    if (linked.matches_all || !route.matches.empty()) out.push_back(std::move(route));
  }
}

bool takes_all(const model::TcpRoute& route, std::uint16_t port) {
  return route.matches.empty() ||
         std::any_of(route.matches.begin(), route.matches.end(), [&](const model::TcpMatch& m) {
           return m.destination_subnets.empty() && (!m.port || *m.port == port);
         });
}

void report_hidden(const std::vector<model::TcpRoute>& routes, std::uint16_t port,
                   Diagnostics& diagnostics) {
  const model::TcpRoute* all = nullptr;
  for (const model::TcpRoute& route : routes) {
    if (all != nullptr) {
      add_warning(diagnostics, route.origin, "route_conflict",
                  fmt::format("at port {} it gets no connection: {} ({}), which comes first, takes "
                              "all of them",
                              port, all->origin.object, model::location(all->origin)),
                  "give it another port, or matches; the order is by creation time, then by "
                  "namespace and name");
    } else if (takes_all(route, port)) {
      all = &route;
    }
  }
}

}  // namespace

std::vector<model::TcpRoute> build_tcp_routes(const std::vector<BoundServer>& servers,
                                              const LinkedServices& services,
                                              const std::string& cluster_domain,
                                              Diagnostics& diagnostics) {
  std::vector<model::TcpRoute> out;
  for (const auto& shared : services) {
    const LinkedVirtualService& service = *shared;
    if (service.tcp_routes.empty()) continue;
    const auto gateways = gateways_of(service, servers, cluster_domain);
    if (!gateways.empty()) add_routes(service, gateways, out);
  }
  report_hidden(out, servers.front().server->port, diagnostics);
  return out;
}

}  // namespace sluice::config
