// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/coverage.hpp"

#include <algorithm>

namespace sluice::routing {
namespace {

bool always(const Candidate& candidate, std::uint16_t port) {
  return std::ranges::all_of(candidate.conditions,
                             [&](const Condition& c) { return c.always_holds(port); });
}

bool never(const Candidate& candidate, std::uint16_t port) {
  return std::ranges::any_of(candidate.conditions,
                             [&](const Condition& c) { return c.never_holds(port); });
}

std::optional<Gap> gap_of(const DomainTable::Domain& domain, const std::vector<TableHost>& table) {
  const model::VirtualHost& last = *table[domain.hosts.back()].model;
  const std::string hosts = domain.name == "*" ? "any other host" : "host " + domain.name;
  return Gap{"requests for " + hosts + " that match no route of \"" + last.name +
                 "\" get 404 (its last route has conditions)",
             last.origin};
}

std::string list_of(const std::vector<DomainTable::Domain>& domains) {
  constexpr std::size_t kShown = 3;
  std::string out;
  for (std::size_t i = 0; i < domains.size() && i < kShown; ++i) {
    out += (i > 0 ? ", " : "") + domains[i].name;
  }
  if (domains.size() > kShown) out += ", ...";
  return out;
}

}  // namespace

Coverage coverage_of(const DomainTable& domains, const std::vector<TableHost>& hosts,
                     std::uint16_t port) {
  Coverage out;
  bool any_host = false;
  for (const auto& domain : domains.domains()) {
    any_host = any_host || domain.name == "*";
    bool covered = false;
    for (std::size_t h = 0; h < domain.hosts.size() && !covered; ++h) {
      const TableHost& host = hosts[domain.hosts[h]];
      for (const Candidate& candidate : host.compiled->candidates) {
        if (never(candidate, port)) continue;
        out.reachable.push_back(host.first_route + candidate.route);
        covered = always(candidate, port);
        if (covered) break;
      }
    }
    if (!covered && !out.gap) out.gap = gap_of(domain, hosts);
  }
  std::ranges::sort(out.reachable);
  const auto [last, end] = std::ranges::unique(out.reachable);
  out.reachable.erase(last, end);
  if (domains.domains().empty()) {
    out.gap = Gap{"no virtual host is bound to it, so every request gets 404", {}};
  } else if (!any_host) {
    out.gap = Gap{"only " + list_of(domains.domains()) +
                      (domains.domains().size() == 1 ? " is" : " are") +
                      " served; requests for other hosts get 404",
                  hosts[domains.domains().front().hosts.front()].model->origin};
  }
  return out;
}

}  // namespace sluice::routing
