// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/gateway_api/hosts.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "agent/config/translate/gateway_api/precedence.hpp"
#include "agent/config/translate/hosts.hpp"

namespace sluice::config {
namespace {

struct DomainUse {
  std::string owner;  // the listener hostname to which requests for it belong
  const ApiListener* listener = nullptr;
  std::vector<LinkedApiRoutePtr> routes;
};
using DomainUses = std::map<std::string, DomainUse>;

// The hosts that cover `domain`, itself first, then from the most specific on.
std::vector<std::string> covering(const std::string& domain) {
  std::vector<std::string> out{domain};
  for (auto dot = domain.find('.', domain.starts_with("*.") ? 2 : 1); dot != std::string::npos;
       dot = domain.find('.', dot + 1)) {
    out.push_back("*" + domain.substr(dot));
  }
  if (domain != "*") out.emplace_back("*");
  return out;
}

// The most specific of the listeners' hostnames that covers the domain: requests for it belong there.
std::string owner_of(const std::string& domain, const std::set<std::string>& hostnames) {
  for (std::string& candidate : covering(domain)) {
    if (hostnames.contains(candidate)) return std::move(candidate);
  }
  return {};
}

DomainUses collect(const ApiPort& port) {
  std::set<std::string> hostnames;
  for (const ApiListener* listener : port.listeners) hostnames.insert(listener->domain());
  DomainUses out;
  for (const ApiListener* listener : port.listeners) {
    const std::string own = listener->domain();
    DomainUse& whole = out[own];
    whole.owner = own;
    whole.listener = listener;
    const auto routes = port.routes.find(listener);
    if (routes == port.routes.end()) continue;
    for (const LinkedApiRoutePtr& route : routes->second) {
      for (const std::string& domain : shared_domains(*listener, *route->spec)) {
        if (owner_of(domain, hostnames) != own) continue;
        DomainUse& use = out[domain];
        use.owner = own;
        use.listener = listener;
        if (std::find(use.routes.begin(), use.routes.end(), route) == use.routes.end()) {
          use.routes.push_back(route);
        }
      }
    }
  }
  return out;
}

struct Entry {
  const LinkedApiRoute* route = nullptr;
  std::size_t rule = 0;
  const model::RouteMatch* match = nullptr;
  std::size_t order = 0;
};

std::vector<model::Route> merge(const std::vector<LinkedApiRoutePtr>& routes) {
  std::vector<Entry> entries;
  for (const LinkedApiRoutePtr& route : routes) {
    for (std::size_t rule = 0; rule < route->spec->rules.size(); ++rule) {
      for (const model::RouteMatch& match : route->spec->rules[rule].matches) {
        entries.push_back({route.get(), rule, &match, entries.size()});
      }
    }
  }
  // Ties go to the older route, then by name, then to the first rule and match: their order so far.
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    if (takes_precedence(*a.match, *b.match)) return true;
    return !takes_precedence(*b.match, *a.match) && a.order < b.order;
  });
  std::vector<model::Route> out;
  const Entry* last = nullptr;
  for (const Entry& entry : entries) {
    const bool same = last != nullptr && last->route == entry.route && last->rule == entry.rule;
    if (!same) out.push_back(entry.route->rules[entry.rule]);
    out.back().matches.push_back(*entry.match);
    last = &entry;
  }
  return out;
}

std::string name_of(const DomainUse& use) {
  constexpr std::size_t kShown = 3;
  if (use.routes.empty()) {
    return fmt::format("{}/{}", use.listener->owner->full_name(), use.listener->spec->name);
  }
  std::string out;
  for (std::size_t i = 0; i < use.routes.size() && i < kShown; ++i) {
    out += (i > 0 ? "," : "") + use.routes[i]->spec->meta.full_name();
  }
  return use.routes.size() > kShown ? out + ",..." : out;
}

model::VirtualHostPtr make_host(const DomainUse& use, const std::vector<std::string>& domains,
                                std::string name) {
  model::VirtualHost out;
  out.name = std::move(name);
  out.domains = domains;
  out.routes = merge(use.routes);
  out.origin =
      use.routes.empty() ? use.listener->spec->origin : use.routes.front()->spec->meta.origin;
  return std::make_shared<const model::VirtualHost>(std::move(out));
}

// For whom each host is asked: its own domain, and the more specific ones of its listener, whose routes come first.
std::map<std::string, std::vector<std::string>> domains_of(const DomainUses& uses) {
  std::map<std::string, std::vector<std::string>> out;
  for (const auto& [domain, use] : uses) {
    for (std::string& wider : covering(domain)) {
      const auto found = uses.find(wider);
      if (found == uses.end() || found->second.owner != use.owner) continue;
      auto& domains = out[wider];
      // Its own first.
      domains.insert(wider == domain ? domains.begin() : domains.end(), domain);
    }
  }
  return out;
}

bool more_specific(const std::string& a, const std::string& b) {
  if (is_wildcard(a) != is_wildcard(b)) return !is_wildcard(a);
  return a.size() != b.size() ? a.size() > b.size() : a < b;
}

}  // namespace

std::vector<model::VirtualHostPtr> build_api_hosts(const ApiPort& port, ApiHostMemory& memory) {
  DomainUses uses = collect(port);
  const auto domains = domains_of(uses);
  std::map<std::string, ApiHostMemory::Host> hosts;
  auto next_old = memory.hosts.begin();  // both maps are in the same order
  std::vector<std::pair<const std::string*, model::VirtualHostPtr>> sorted;
  for (auto& [domain, use] : uses) {
    const std::vector<std::string>& served = domains.at(domain);
    // Without a route it only keeps requests from wider hosts' routes, of which "*" has none.
    if (use.routes.empty() && domain == "*") continue;
    ApiHostMemory::Host& host =
        hosts.emplace_hint(hosts.end(), domain, ApiHostMemory::Host{})->second;
    std::string name = name_of(use);
    while (next_old != memory.hosts.end() && next_old->first < domain) ++next_old;
    const bool known = next_old != memory.hosts.end() && next_old->first == domain;
    const auto old = known ? next_old : memory.hosts.end();
    if (old != memory.hosts.end() && old->second.routes == use.routes &&
        old->second.domains == served && old->second.name == name) {
      host = std::move(old->second);
    } else {
      host.host = make_host(use, served, name);
      host.name = std::move(name);
      host.domains = served;
      host.routes = std::move(use.routes);
    }
    sorted.emplace_back(&domain, host.host);
  }
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return more_specific(*a.first, *b.first); });
  memory.hosts = std::move(hosts);
  std::vector<model::VirtualHostPtr> out;
  out.reserve(sorted.size());
  for (auto& [domain, host] : sorted) out.push_back(std::move(host));
  return out;
}

}  // namespace sluice::config
