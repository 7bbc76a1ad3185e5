// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/registry.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "agent/config/translate/hosts.hpp"
#include "agent/config/translate/service_endpoints.hpp"

namespace sluice::config {
namespace {

const RegistryPort* find_port(const std::vector<RegistryPort>& ports, std::uint16_t number) {
  const auto found = std::find_if(ports.begin(), ports.end(),
                                  [&](const RegistryPort& p) { return p.number == number; });
  return found == ports.end() ? nullptr : &*found;
}

}  // namespace

const RegistryPort* RegistryService::port(std::uint16_t number) const {
  return find_port(ports, number);
}

const RegistryPort* RegistryService::udp_port(std::uint16_t number) const {
  return find_port(udp_ports, number);
}

Registry::Registry(const SpecSet& specs, std::string cluster_domain, Diagnostics& diagnostics)
    : cluster_domain_(std::move(cluster_domain)) {
  ServiceEndpoints endpoints(specs);
  add_services(specs, endpoints, diagnostics);
  add_service_entries(specs, endpoints, diagnostics);
  for (const auto& [host, service] : services_) names_.push_back(host);
  add_rules(specs, diagnostics);
}

bool Registry::add(RegistryService service, Diagnostics& diagnostics) {
  const model::Origin origin = service.origin;
  const std::string host = service.host;
  const auto [place, added] = services_.try_emplace(host, std::move(service));
  if (added) return true;
  add_warning(diagnostics, origin, "host_conflict",
              fmt::format("`{}` is already defined by {} ({}), which wins", host,
                          place->second.origin.object, model::location(place->second.origin)),
              "remove one of them");
  return false;
}

void Registry::add_services(const SpecSet& specs, ServiceEndpoints& endpoints,
                            Diagnostics& diagnostics) {
  for (const ServiceSpec* spec : specs.services) {
    RegistryService service;
    service.host = qualify(spec->meta.name, spec->meta.name_space, cluster_domain_);
    service.name_space = spec->meta.name_space;
    service.export_to = spec->export_to;
    service.origin = spec->meta.origin;
    for (const ServicePort& port : spec->ports) {
      service.ports.push_back({port.number, port.name, endpoints.of(*spec, port)});
    }
    for (const ServicePort& port : spec->udp_ports) {
      service.udp_ports.push_back({port.number, port.name, endpoints.of(*spec, port)});
    }
    add(std::move(service), diagnostics);
  }
}

void Registry::add_service_entries(const SpecSet& specs, ServiceEndpoints& endpoints,
                                   Diagnostics& diagnostics) {
  for (const ServiceEntrySpec* entry : specs.service_entries) {
    for (const PlacedText& host : entry->hosts) {
      RegistryService service;
      service.host = host.value;
      service.name_space = entry->meta.name_space;
      service.export_to = entry->export_to;
      service.origin = host.origin;
      for (const ServiceEntryPort& port : entry->ports) {
        service.ports.push_back({port.number, port.name, endpoints.of(*entry, port)});
      }
      add(std::move(service), diagnostics);
    }
  }
}

const RegistryService* Registry::find(const std::string& host,
                                      const std::string& name_space) const {
  for (const std::string& candidate : host_candidates(host, name_space, cluster_domain_)) {
    const auto found = services_.find(candidate);
    if (found != services_.end()) return &found->second;
  }
  return nullptr;
}

void Registry::add_rules(const SpecSet& specs, Diagnostics& diagnostics) {
  std::set<std::string> clients;
  for (const GatewaySpec* gateway : specs.gateways) clients.insert(gateway->meta.name_space);
  for (const ApiGatewaySpec* gateway : specs.api_gateways) {
    clients.insert(gateway->meta.name_space);
  }
  rules_ = RuleBook(clients);
  for (const DestinationRuleSpec* rule : specs.rules) {
    const RegistryService* service = find(rule->host.value, rule->meta.name_space);
    std::string host = service != nullptr
                           ? service->host
                           : qualify(rule->host.value, rule->meta.name_space, cluster_domain_);
    if (service == nullptr && !is_wildcard(host)) {
      add_warning(
          diagnostics, rule->host.origin, "host_not_found",
          fmt::format("no service `{}` exists: the rule has no effect", host),
          did_you_mean(host, names_, "add the Service or ServiceEntry, or correct the name"));
    } else if (!rules_.exported(*rule)) {
      add_warning(diagnostics, rule->export_to.origin, "rule_not_visible",
                  "the rule is exported to no namespace in which a Gateway stands",
                  clients.empty() ? std::string("add a Gateway")
                                  : "add " + name_list({clients.begin(), clients.end()}));
    } else if (service != nullptr && !rules_.sees(*rule, service->name_space)) {
      add_warning(
          diagnostics, rule->host.origin, "rule_not_visible",
          fmt::format("rules for `{}` are looked for in the namespaces {}, not in `{}`", host,
                      name_list(rules_.order(service->name_space)), rule->meta.name_space),
          fmt::format("move it to the namespace `{}`", service->name_space));
    }
    if (rules_.exported(*rule)) rules_.add(*rule, std::move(host));
  }
  rules_.finish(diagnostics);
}

}  // namespace sluice::config
