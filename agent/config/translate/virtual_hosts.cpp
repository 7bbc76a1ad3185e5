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

// What is known of one domain of the listener.
struct Domain {
  Bindings bindings;
  const BoundServer* redirecting = nullptr;  // sends its clients to https; wins over `plain`
  const BoundServer* plain = nullptr;
};
using Domains = std::map<std::string, Domain>;

void bind(const LinkedVirtualService& service, const BoundServer& bound,
          const std::string& cluster_domain, Domains& out) {
  for (const std::string& name : shared_domains(*service.spec, *bound.server, cluster_domain)) {
    Domain& domain = out[name];
    Bindings& bindings = domain.bindings;
    if (bindings.empty() || bindings.back().service != &service) bindings.push_back({&service, {}});
    bindings.back().gateways.insert(bound.gateway->meta.full_name());
    const BoundServer*& server = bound.server->https_redirect ? domain.redirecting : domain.plain;
    if (server == nullptr) server = &bound;
  }
}

Domains bind_domains(const std::vector<BoundServer>& servers,
                     const std::vector<LinkedVirtualService>& services,
                     const std::string& cluster_domain) {
  std::map<std::string, std::vector<const BoundServer*>> by_gateway;
  for (const BoundServer& bound : servers) {
    by_gateway[bound.gateway->meta.full_name()].push_back(&bound);
  }
  Domains out;
  for (const LinkedVirtualService& service : services) {
    if (service.routes.empty()) continue;  // of TCP only: it must not take a host from others
    for (const GatewayReference& reference : service.spec->gateways) {
      const auto found = by_gateway.find(reference.full_name());
      if (found == by_gateway.end()) continue;
      if (!service.spec->export_to.reaches(reference.name_space)) continue;
      for (const BoundServer* bound : found->second) bind(service, *bound, cluster_domain, out);
    }
  }
  for (const BoundServer& bound : servers) {
    if (!bound.server->https_redirect) continue;
    for (const GatewayHost& offer : bound.server->hosts) {
      Domain& domain = out[offer.host];
      if (domain.redirecting == nullptr) domain.redirecting = &bound;
    }
  }
  return out;
}

// Istio's gateway asks for https before it looks at any route of such a host.
model::VirtualHost redirecting_host(const std::string& name, const Domain& domain,
                                    Diagnostics& diagnostics) {
  const BoundServer& winner = *domain.redirecting;
  model::Route route;
  route.name = "https-redirect";
  route.origin = *winner.server->https_redirect;
  route.redirect.emplace();
  route.redirect->scheme = "https";
  route.redirect->port_from = model::Redirect::Port::kProtocolDefault;
  model::VirtualHost out;
  out.name = winner.gateway->meta.full_name();
  out.domains = {name};
  out.routes.push_back(std::move(route));
  out.https_redirect = true;
  out.origin = *winner.server->https_redirect;
  if (domain.plain != nullptr) {
    add_warning(diagnostics, domain.plain->server->origin, "https_redirect_conflict",
                fmt::format("for `{}` it serves nothing: gateway {} ({}) sends the clients of that "
                            "host to https, which wins",
                            name, winner.gateway->meta.full_name(), model::location(out.origin)),
                "let only one server have the host, or both `httpsRedirect`");
  }
  return out;
}

std::vector<model::Route> routes_of(const Binding& binding) {
  std::vector<model::Route> out;
  for (const LinkedRoute& linked : binding.service->routes) {
    model::Route route = linked.route;
    for (const MatchSpec& match : linked.matches) {
      if (seen_through(match.gateways, binding.gateways)) route.matches.push_back(match.match);
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

bool binds(const VirtualServiceSpec& spec, const GatewaySpec& gateway) {
  const std::string name = gateway.meta.full_name();
  return spec.export_to.reaches(gateway.meta.name_space) &&
         std::any_of(spec.gateways.begin(), spec.gateways.end(),
                     [&](const GatewayReference& each) { return each.full_name() == name; });
}

std::vector<std::string> shared_domains(const VirtualServiceSpec& spec, const ServerSpec& server,
                                        const std::string& cluster_domain) {
  std::vector<std::string> out;
  for (const PlacedText& host : spec.hosts) {
    const std::string full = qualify(host.value, spec.meta.name_space, cluster_domain);
    for (const GatewayHost& offer : server.hosts) {
      if (!admits(offer, spec.meta.name_space)) continue;
      if (auto domain = intersect(offer.host, full)) out.push_back(std::move(*domain));
    }
  }
  return out;
}

bool seen_through(const std::vector<std::string>& gateways, const std::set<std::string>& through) {
  return gateways.empty() || std::any_of(gateways.begin(), gateways.end(),
                                         [&](const auto& g) { return through.contains(g); });
}

std::vector<model::VirtualHostPtr> build_virtual_hosts(
    const std::vector<BoundServer>& servers, const std::vector<LinkedVirtualService>& services,
    const std::string& cluster_domain, Diagnostics& diagnostics) {
  // Domains with the same services share one virtual host. Order: by first domain, so that it is
  // stable.
  struct Group {
    Bindings bindings;
    std::vector<std::string> domains;
    std::optional<model::VirtualHost> redirecting;
  };
  std::vector<Group> groups;
  std::map<std::string, std::vector<std::size_t>> index;
  for (auto& [name, domain] : bind_domains(servers, services, cluster_domain)) {
    if (domain.redirecting != nullptr) {
      groups.push_back({{}, {}, redirecting_host(name, domain, diagnostics)});
      continue;
    }
    std::string names;
    for (const Binding& b : domain.bindings) names += b.service->spec->meta.full_name() + ",";
    auto& candidates = index[names];
    const auto same = std::find_if(candidates.begin(), candidates.end(), [&](std::size_t i) {
      return groups[i].bindings == domain.bindings;
    });
    if (same != candidates.end()) {
      groups[*same].domains.push_back(name);
    } else {
      candidates.push_back(groups.size());
      groups.push_back({domain.bindings, {name}, {}});
    }
  }
  std::vector<model::VirtualHostPtr> out;
  for (Group& group : groups) {
    out.push_back(std::make_shared<const model::VirtualHost>(
        group.redirecting ? std::move(*group.redirecting)
                          : merge(group.bindings, std::move(group.domains), diagnostics)));
  }
  return out;
}

}  // namespace sluice::config
