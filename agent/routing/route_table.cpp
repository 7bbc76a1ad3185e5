// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/route_table.hpp"

#include <algorithm>
#include <unordered_map>

#include "agent/routing/authority.hpp"
#include "agent/routing/compiled_host.hpp"
#include "agent/routing/coverage.hpp"
#include "agent/routing/domain_table.hpp"

namespace sluice::routing {

struct RouteTable::Impl {
  std::uint16_t port = 0;
  std::vector<model::VirtualHostPtr> virtual_hosts;
  std::vector<TableHost> hosts;  // as virtual_hosts
  std::vector<Entry> routes;
  std::shared_ptr<const DomainTable> domains;
  Coverage coverage;

  [[nodiscard]] Decision decision(std::uint32_t host, const Candidate& candidate) const {
    const TableHost& from = hosts[host];
    return {from.model.get(), &from.model->routes[candidate.route],
            from.first_route + candidate.route, candidate.match_index,
            from.compiled->actions[candidate.route].get()};
  }
};

namespace {

bool same_domains(const std::vector<model::VirtualHostPtr>& a,
                  const std::vector<model::VirtualHostPtr>& b) {
  return std::ranges::equal(
      a, b, [](const auto& x, const auto& y) { return x == y || x->domains == y->domains; });
}

std::shared_ptr<const DomainTable> make_domains(const std::vector<model::VirtualHostPtr>& hosts) {
  auto out = std::make_shared<DomainTable>();
  for (std::uint32_t h = 0; h < hosts.size(); ++h) {
    for (const std::string& domain : hosts[h]->domains) out->add(domain, h);
  }
  return out;
}

}  // namespace

RouteTable::RouteTable() : impl_(RouteTable::compile({}, 0)->impl_) {}

std::vector<std::uint32_t> positions_in(const std::vector<model::VirtualHostPtr>& old,
                                        const std::vector<model::VirtualHostPtr>& now) {
  std::vector<std::uint32_t> out(now.size(), kNowhere);
  std::unordered_map<const model::VirtualHost*, std::uint32_t> index;  // filled when order differs
  std::uint32_t next = 0;
  for (std::size_t i = 0; i < now.size(); ++i) {
    // Mostly the order is the same but for one that was changed, added or removed.
    for (std::uint32_t ahead = next; ahead < next + 2 && ahead < old.size(); ++ahead) {
      if (old[ahead] == now[i]) out[i] = ahead;
    }
    if (out[i] == kNowhere) {
      for (auto at = static_cast<std::uint32_t>(index.size()); at < old.size(); ++at) {
        index.emplace(old[at].get(), at);
      }
      if (const auto found = index.find(now[i].get()); found != index.end()) out[i] = found->second;
    }
    next = out[i] == kNowhere ? next + 1 : out[i] + 1;
  }
  return out;
}

Result<RouteTable> RouteTable::compile(std::vector<model::VirtualHostPtr> hosts, std::uint16_t port,
                                       const RouteTable* previous) {
  auto impl = std::make_shared<Impl>();
  impl->port = port;
  impl->virtual_hosts = std::move(hosts);
  const Impl* const old = previous != nullptr ? previous->impl_.get() : nullptr;
  if (old != nullptr && old->port == port && old->virtual_hosts == impl->virtual_hosts) {
    return *previous;
  }
  std::vector<std::uint32_t> positions(impl->virtual_hosts.size(), kNowhere);
  if (old != nullptr) positions = positions_in(old->virtual_hosts, impl->virtual_hosts);
  RegexPool pool;
  for (std::uint32_t h = 0; h < impl->virtual_hosts.size(); ++h) {
    const auto& model = impl->virtual_hosts[h];
    TableHost host{model, nullptr, static_cast<std::uint32_t>(impl->routes.size())};
    if (positions[h] != kNowhere) {
      host.compiled = old->hosts[positions[h]].compiled;
    } else {
      auto compiled = CompiledHost::compile(*model, pool);
      if (!compiled) return tl::unexpected(std::move(compiled).error());
      host.compiled = std::make_shared<const CompiledHost>(std::move(*compiled));
    }
    impl->hosts.push_back(std::move(host));
    for (std::uint32_t r = 0; r < model->routes.size(); ++r) impl->routes.push_back({h, r});
  }
  impl->domains = old != nullptr && same_domains(old->virtual_hosts, impl->virtual_hosts)
                      ? old->domains
                      : make_domains(impl->virtual_hosts);
  impl->coverage = coverage_of(*impl->domains, impl->hosts, port);
  return RouteTable(std::move(impl));
}

std::optional<Decision> RouteTable::match(const http::RequestHead& head) const {
  const DomainTable::Domain* domain = impl_->domains->find(host_of(head.authority));
  if (!domain) return std::nullopt;
  for (const std::uint32_t host : domain->hosts) {
    const Candidate* candidate = impl_->hosts[host].compiled->match(head, impl_->port);
    if (candidate) return impl_->decision(host, *candidate);
  }
  return std::nullopt;
}

Explanation RouteTable::explain(const http::RequestHead& head) const {
  Explanation out;
  const DomainTable::Domain* domain = impl_->domains->find(host_of(head.authority));
  if (!domain) {
    for (const auto& other : impl_->domains->domains()) out.domains.push_back(other.name);
    return out;
  }
  out.domain = domain->name;
  for (const std::uint32_t host : domain->hosts) {
    // Not CompiledHost::match: its index skips candidates that are near misses here.
    for (const Candidate& candidate : impl_->hosts[host].compiled->candidates) {
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
std::uint32_t RouteTable::first_route(std::size_t host) const {
  return impl_->hosts[host].first_route;
}
const std::vector<RouteTable::Entry>& RouteTable::routes() const { return impl_->routes; }
const std::optional<Gap>& RouteTable::gap() const { return impl_->coverage.gap; }
const std::vector<std::uint32_t>& RouteTable::reachable() const {
  return impl_->coverage.reachable;
}

}  // namespace sluice::routing
