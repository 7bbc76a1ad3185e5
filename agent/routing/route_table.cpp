// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/route_table.hpp"

#include "agent/routing/authority.hpp"
#include "agent/routing/compiled_host.hpp"
#include "agent/routing/coverage.hpp"
#include "agent/routing/domain_table.hpp"

namespace sluice::routing {

struct RouteTable::Impl {
  std::uint16_t port = 0;
  std::vector<model::VirtualHostPtr> virtual_hosts;
  std::vector<CompiledHost> compiled;  // one a virtual host
  std::vector<Entry> routes;
  DomainTable domains;
  Coverage coverage;

  [[nodiscard]] Decision decision(std::uint32_t host, const Candidate& candidate) const {
    const model::VirtualHost& virtual_host = *virtual_hosts[host];
    return {&virtual_host, &virtual_host.routes[candidate.route], candidate.route_id,
            candidate.match_index, compiled[host].actions[candidate.route].get()};
  }
};

RouteTable::RouteTable(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RouteTable::RouteTable(RouteTable&&) noexcept = default;
RouteTable& RouteTable::operator=(RouteTable&&) noexcept = default;
RouteTable::~RouteTable() = default;

Result<RouteTable> RouteTable::compile(std::vector<model::VirtualHostPtr> hosts,
                                       std::uint16_t port) {
  auto impl = std::make_unique<Impl>();
  impl->port = port;
  impl->virtual_hosts = std::move(hosts);
  RegexPool pool;
  for (std::uint32_t h = 0; h < impl->virtual_hosts.size(); ++h) {
    const model::VirtualHost& host = *impl->virtual_hosts[h];
    auto compiled =
        CompiledHost::compile(host, static_cast<std::uint32_t>(impl->routes.size()), pool);
    if (!compiled) return tl::unexpected(std::move(compiled).error());
    impl->compiled.push_back(std::move(*compiled));
    for (std::uint32_t r = 0; r < host.routes.size(); ++r) impl->routes.push_back({h, r});
    for (const std::string& domain : host.domains) impl->domains.add(domain, h);
  }
  impl->coverage = coverage_of(impl->domains, impl->virtual_hosts, impl->compiled, port);
  return RouteTable(std::move(impl));
}

std::optional<Decision> RouteTable::match(const http::RequestHead& head) const {
  const DomainTable::Domain* domain = impl_->domains.find(host_of(head.authority));
  if (!domain) return std::nullopt;
  for (const std::uint32_t host : domain->hosts) {
    const Candidate* candidate = impl_->compiled[host].match(head, impl_->port);
    if (candidate) return impl_->decision(host, *candidate);
  }
  return std::nullopt;
}

Explanation RouteTable::explain(const http::RequestHead& head) const {
  Explanation out;
  const DomainTable::Domain* domain = impl_->domains.find(host_of(head.authority));
  if (!domain) {
    for (const auto& other : impl_->domains.domains()) out.domains.push_back(other.name);
    return out;
  }
  out.domain = domain->name;
  for (const std::uint32_t host : domain->hosts) {
    // Not CompiledHost::match: its index skips candidates that are near misses here.
    for (const Candidate& candidate : impl_->compiled[host].candidates) {
      const Condition* failing = candidate.first_failing(head, impl_->port);
      const Decision decision = impl_->decision(host, candidate);
      if (!failing) {
        out.decision = decision;
        return out;
      }
      out.near_misses.push_back({decision.virtual_host, decision.route, decision.match_index,
                                 failing->describe(), failing->found_in(head, impl_->port)});
    }
  }
  return out;
}

const std::vector<model::VirtualHostPtr>& RouteTable::virtual_hosts() const {
  return impl_->virtual_hosts;
}
const std::vector<RouteTable::Entry>& RouteTable::routes() const { return impl_->routes; }
const std::optional<Gap>& RouteTable::gap() const { return impl_->coverage.gap; }
const std::vector<std::uint32_t>& RouteTable::reachable() const {
  return impl_->coverage.reachable;
}

}  // namespace sluice::routing
