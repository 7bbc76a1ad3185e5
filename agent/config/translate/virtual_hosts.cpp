// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/virtual_hosts.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>

#include "agent/config/translate/hosts.hpp"

namespace sluice::config {
namespace {

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

Domains bind_domains(const std::vector<BoundServer>& servers, const LinkedServices& services,
                     const std::string& cluster_domain) {
  std::map<std::string, std::vector<const BoundServer*>> by_gateway;
  for (const BoundServer& bound : servers) {
    by_gateway[bound.gateway->meta.full_name()].push_back(&bound);
  }
  Domains out;
  for (const auto& shared : services) {
    const LinkedVirtualService& service = *shared;
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
  out.reserve(binding.service->routes.size());
  for (const LinkedRoute& linked : binding.service->routes) {
    model::Route route = linked.route;
    route.matches.reserve(linked.matches.size());
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
    out.routes.reserve(out.routes.size() + routes.size());
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

using Group = VirtualHostMemory::Group;
using Replaced = std::unordered_map<const LinkedVirtualService*, const LinkedVirtualService*>;

std::vector<Group> make_groups(const std::vector<BoundServer>& servers,
                               const LinkedServices& services, const std::string& cluster_domain) {
  // Domains with the same services share one virtual host. Order: by first domain, so that it is
  // stable.
  std::vector<Group> groups;
  std::map<std::string, std::vector<std::size_t>> index;
  for (auto& [name, domain] : bind_domains(servers, services, cluster_domain)) {
    if (domain.redirecting != nullptr) {
      Group& group = groups.emplace_back();
      group.domains = {name};
      group.host = std::make_shared<const model::VirtualHost>(
          redirecting_host(name, domain, group.problems));
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
      groups.push_back({std::move(domain.bindings), {name}, nullptr, {}});
    }
  }
  return groups;
}

// Do both give the same domains through the same gateways?
bool binds_alike(const LinkedVirtualService& a, const LinkedVirtualService& b) {
  const auto same_host = [](const PlacedText& x, const PlacedText& y) {
    return x.value == y.value;
  };
  const auto same_gateway = [](const GatewayReference& x, const GatewayReference& y) {
    return x.name_space == y.name_space && x.name == y.name;
  };
  const auto reaches_alike = [&](const GatewayReference& gateway) {
    return a.spec->export_to.reaches(gateway.name_space) ==
           b.spec->export_to.reaches(gateway.name_space);
  };
  return a.spec->meta.full_name() == b.spec->meta.full_name() &&
         a.routes.empty() == b.routes.empty() &&
         std::ranges::equal(a.spec->hosts, b.spec->hosts, same_host) &&
         std::ranges::equal(a.spec->gateways, b.spec->gateways, same_gateway) &&
         std::ranges::all_of(a.spec->gateways, reaches_alike);
}

// Which virtual services were linked again, when nothing else is different; nullopt when domains may be.
std::optional<Replaced> replaced_services(const VirtualHostMemory& memory,
                                          const std::vector<BoundServer>& servers,
                                          const LinkedServices& services) {
  if (memory.servers != servers || memory.services.size() != services.size()) return std::nullopt;
  Replaced out;
  for (std::size_t i = 0; i < services.size(); ++i) {
    if (services[i] == memory.services[i]) continue;
    if (!binds_alike(*services[i], *memory.services[i])) return std::nullopt;
    out.emplace(memory.services[i].get(), services[i].get());
  }
  return out;
}

bool same_clusters(const model::VirtualHost& a, const model::VirtualHost& b) {
  const auto names = [](const model::VirtualHost& host) {
    std::set<std::string_view> out;
    for (const model::Route& route : host.routes) {
      for (const auto& destination : route.destinations) out.insert(destination.cluster);
      for (const auto& mirror : route.mirrors) out.insert(mirror.cluster);
    }
    return out;
  };
  return names(a) == names(b);
}

void make_host(Group& group) {
  group.problems.clear();
  group.host = std::make_shared<const model::VirtualHost>(
      merge(group.bindings, group.domains, group.problems));
}

// Groups are the same; those of replaced services are made again.
void refresh_groups(const Replaced& replaced, VirtualHostMemory& memory) {
  if (replaced.empty()) return;
  for (Group& group : memory.groups) {
    bool touched = false;
    for (Binding& binding : group.bindings) {
      const auto found = replaced.find(binding.service);
      if (found == replaced.end()) continue;
      binding.service = found->second;
      touched = true;
    }
    if (!touched) continue;
    const model::VirtualHostPtr before = group.host;
    make_host(group);
    memory.same_clusters = memory.same_clusters && same_clusters(*before, *group.host);
  }
}

void remake_groups(std::vector<Group> groups, VirtualHostMemory& memory) {
  std::unordered_map<std::string_view, const Group*> known;
  for (const Group& group : memory.groups) known.emplace(group.domains.front(), &group);
  for (Group& group : groups) {
    if (group.host) continue;
    const auto found = known.find(group.domains.front());
    if (found != known.end() && found->second->bindings == group.bindings &&
        found->second->domains == group.domains) {
      group.host = found->second->host;
      group.problems = found->second->problems;
    } else {
      make_host(group);
    }
  }
  memory.groups = std::move(groups);
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

std::vector<model::VirtualHostPtr> build_virtual_hosts(const std::vector<BoundServer>& servers,
                                                       const LinkedServices& services,
                                                       const std::string& cluster_domain,
                                                       VirtualHostMemory& memory,
                                                       Diagnostics& diagnostics) {
  memory.relinked.clear();
  const auto replaced = replaced_services(memory, servers, services);
  memory.same_clusters = replaced.has_value();
  if (replaced) {
    for (std::size_t i = 0; i < services.size(); ++i) {
      if (services[i] != memory.services[i]) memory.relinked.push_back(services[i]);
    }
    refresh_groups(*replaced, memory);
  } else {
    remake_groups(make_groups(servers, services, cluster_domain), memory);
  }
  memory.servers = servers;
  memory.services = services;
  std::vector<model::VirtualHostPtr> out;
  out.reserve(memory.groups.size());
  for (const Group& group : memory.groups) {
    if (!group.problems.empty()) append(diagnostics, group.problems);
    out.push_back(group.host);
  }
  return out;
}

}  // namespace sluice::config
