// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/virtual_hosts.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "agent/config/translate/hosts.hpp"

namespace sluice::config {
namespace {

// A virtual service as seen through the gateways of the listener that let it in.
struct Binding {
  const LinkedVirtualService* service = nullptr;
  std::set<std::string> gateways;

  bool operator==(const Binding&) const = default;
};
using Bindings = std::vector<Binding>;

std::map<std::string, Bindings> bind_domains(const std::vector<BoundServer>& servers,
                                             const std::vector<LinkedVirtualService>& services,
                                             const std::string& cluster_domain) {
  std::map<std::string, std::vector<const ServerSpec*>> by_gateway;
  for (const BoundServer& bound : servers) {
    by_gateway[bound.gateway->meta.full_name()].push_back(bound.server);
  }
  std::map<std::string, Bindings> out;
  for (const LinkedVirtualService& service : services) {
    const VirtualServiceSpec& spec = *service.spec;
    for (const GatewayReference& reference : spec.gateways) {
      const std::string gateway = reference.full_name();
      const auto bound = by_gateway.find(gateway);
      if (bound == by_gateway.end()) continue;
      for (const ServerSpec* server : bound->second) {
        for (const PlacedText& host : spec.hosts) {
          const std::string full = qualify(host.value, spec.meta.name_space, cluster_domain);
          for (const GatewayHost& offer : server->hosts) {
            if (!admits(offer, spec.meta.name_space)) continue;
            const auto domain = intersect(offer.host, full);
            if (!domain) continue;
            Bindings& bindings = out[*domain];
            if (bindings.empty() || bindings.back().service != &service) {
              bindings.push_back({&service, {}});
            }
            bindings.back().gateways.insert(gateway);
          }
        }
      }
    }
  }
  return out;
}

std::vector<model::Route> routes_of(const Binding& binding) {
  std::vector<model::Route> out;
  for (const LinkedRoute& linked : binding.service->routes) {
    model::Route route = linked.route;
    for (const MatchSpec& match : linked.matches) {
      const bool seen = match.gateways.empty() ||
                        std::any_of(match.gateways.begin(), match.gateways.end(),
                                    [&](const auto& g) { return binding.gateways.contains(g); });
      if (seen) route.matches.push_back(match.match);
    }
    if (linked.matches_all || !route.matches.empty()) out.push_back(std::move(route));
  }
  return out;
}

bool catches_all(const model::Route& route) {
  return route.matches.empty() ||
         std::any_of(route.matches.begin(), route.matches.end(),
                     [](const model::RouteMatch& match) { return match.unconditional(); });
}

bool same_conditions(const model::RouteMatch& a, const model::RouteMatch& b) {
  return a.uri == b.uri && a.ignore_uri_case == b.ignore_uri_case && a.scheme == b.scheme &&
         a.method == b.method && a.authority == b.authority && a.headers == b.headers &&
         a.without_headers == b.without_headers && a.query_params == b.query_params &&
         a.port == b.port;
}

// Every match of `later` also stands in `earlier`, so `later` never gets a request.
bool hidden_by(const model::Route& later, const model::Route& earlier) {
  if (catches_all(earlier)) return true;
  if (catches_all(later)) return false;
  return std::all_of(later.matches.begin(), later.matches.end(), [&](const auto& match) {
    return std::any_of(earlier.matches.begin(), earlier.matches.end(),
                       [&](const auto& other) { return same_conditions(match, other); });
  });
}

void report_conflicts(const std::vector<std::string>& domains,
                      const std::vector<model::Route>& routes, Diagnostics& diagnostics) {
  for (std::size_t later = 1; later < routes.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      const model::Route& loser = routes[later];
      const model::Route& winner = routes[earlier];
      if (winner.origin.object == loser.origin.object || !hidden_by(loser, winner)) continue;
      add_warning(
          diagnostics, loser.origin, "route_conflict",
          fmt::format("for {} this route gets no request: {} ({}), which comes first, "
                      "already matches the same",
                      name_list(domains), winner.origin.object, model::location(winner.origin)),
          "merge the two, or give them different hosts or matches; the order is by "
          "creation time, then by namespace and name");
      break;
    }
  }
}

model::VirtualHost merge(const Bindings& bindings, std::vector<std::string> domains,
                         Diagnostics& diagnostics) {
  model::VirtualHost out;
  out.domains = std::move(domains);
  out.origin = bindings.front().service->spec->meta.origin;
  for (const Binding& binding : bindings) {
    if (!out.name.empty()) out.name += ',';
    out.name += binding.service->spec->meta.full_name();
    auto routes = routes_of(binding);
    std::move(routes.begin(), routes.end(), std::back_inserter(out.routes));
  }
  if (bindings.size() > 1) {
    std::vector<model::Route> ordered;
    for (const bool last : {false, true}) {
      std::copy_if(out.routes.begin(), out.routes.end(), std::back_inserter(ordered),
                   [&](const model::Route& route) { return catches_all(route) == last; });
    }
    out.routes = std::move(ordered);
    report_conflicts(out.domains, out.routes, diagnostics);
  }
  return out;
}

}  // namespace

bool admits(const GatewayHost& host, const std::string& name_space) {
  return host.name_space == "*" || host.name_space == name_space;
}

std::vector<model::VirtualHostPtr> build_virtual_hosts(
    const std::vector<BoundServer>& servers, const std::vector<LinkedVirtualService>& services,
    const std::string& cluster_domain, Diagnostics& diagnostics) {
  // Domains with the same services share one virtual host. Order: by first domain, so that it is
  // stable.
  std::vector<std::pair<Bindings, std::vector<std::string>>> groups;
  std::map<std::string, std::vector<std::size_t>> index;
  for (auto& [domain, bindings] : bind_domains(servers, services, cluster_domain)) {
    std::string names;
    for (const Binding& b : bindings) names += b.service->spec->meta.full_name() + ",";
    auto& candidates = index[names];
    const auto same = std::find_if(candidates.begin(), candidates.end(),
                                   [&](std::size_t i) { return groups[i].first == bindings; });
    if (same != candidates.end()) {
      groups[*same].second.push_back(domain);
    } else {
      candidates.push_back(groups.size());
      groups.push_back({bindings, {domain}});
    }
  }
  std::vector<model::VirtualHostPtr> out;
  for (auto& [bindings, domains] : groups) {
    out.push_back(std::make_shared<const model::VirtualHost>(
        merge(bindings, std::move(domains), diagnostics)));
  }
  return out;
}

}  // namespace sluice::config
