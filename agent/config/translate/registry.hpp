// SPDX-License-Identifier: Apache-2.0
// Registry: the services that destinations can name, with their endpoints, and the destination
// rules that cut them into subsets. Built once a load from decoded specs, read by translate/link.
// Thread: main. Invariants: independent of the order in which objects arrive; endpoints are sorted
// by address and unique.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/config/translate/diagnostics.hpp"
#include "agent/config/translate/rule_book.hpp"
#include "agent/config/translate/spec.hpp"

namespace sluice::config {

// The decoded objects in force, by kind, each in (creation time, namespace, name) order. Borrowed.
struct SpecSet {
  std::vector<const GatewaySpec*> gateways;
  std::map<std::string, const GatewaySpec*> gateway_by_name;  // "ns/name"
  std::vector<std::string> gateway_names;                     // the same, for "did you mean"
  std::set<std::string> rejected_gateways;  // "ns/name" of those without a version in force
  std::vector<const VirtualServiceSpec*> virtual_services;
  std::map<std::string, const VirtualServiceSpec*>
      delegate_by_name;  // "ns/name"; those without hosts
  std::vector<const DestinationRuleSpec*> rules;
  std::vector<const ServiceEntrySpec*> service_entries;
  std::vector<const WorkloadEntrySpec*> workload_entries;
  std::vector<const ServiceSpec*> services;
  std::vector<const EndpointSliceSpec*> slices;
  std::vector<const PodSpec*> pods;
  std::vector<const NodeSpec*> nodes;
  std::vector<const GatewayClassSpec*> gateway_classes;
  std::vector<const ApiGatewaySpec*> api_gateways;
  std::vector<const ListenerSetSpec*> listener_sets;
  std::vector<const ApiRouteSpec*> api_routes;
  std::vector<const ReferenceGrantSpec*> grants;
  std::vector<const NamespaceSpec*> name_spaces;
  std::vector<Refused> refused;  // newest versions that are not in force
  model::Place place;            // where this agent runs
};

struct LabelledEndpoint {
  model::Endpoint endpoint;
  std::shared_ptr<const Labels> labels;  // never null; also those that its place adds

  bool operator==(const LabelledEndpoint& other) const {
    return endpoint == other.endpoint && (labels == other.labels || *labels == *other.labels);
  }
};

struct RegistryPort {
  std::uint16_t number = 0;
  std::string name;
  std::vector<LabelledEndpoint> endpoints;

  bool operator==(const RegistryPort&) const = default;
};

struct RegistryService {
  std::string host;
  std::string name_space;
  std::vector<RegistryPort> ports;  // TCP
  std::vector<RegistryPort> udp_ports;
  ExportTo export_to;
  model::Origin origin;

  [[nodiscard]] const RegistryPort* port(std::uint16_t number) const;
  [[nodiscard]] const RegistryPort* udp_port(std::uint16_t number) const;
  bool operator==(const RegistryService&) const = default;
};

class ServiceEndpoints;

class Registry {
 public:
  Registry(const SpecSet& specs, std::string cluster_domain, Diagnostics& diagnostics);

  [[nodiscard]] const std::string& cluster_domain() const { return cluster_domain_; }
  [[nodiscard]] const std::map<std::string, RegistryService>& services() const { return services_; }
  // The hosts of all services, for "did you mean".
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  // What `host`, written in `name_space`, means.
  [[nodiscard]] const RegistryService* find(const std::string& host,
                                            const std::string& name_space) const;
  // What destination rules say of the service; nullptr when none covers it.
  [[nodiscard]] const MergedRule* rule_for(const RegistryService& service) const {
    return rules_.find(service.host, service.name_space);
  }

 private:
  void add_services(const SpecSet& specs, ServiceEndpoints& endpoints, Diagnostics& diagnostics);
  void add_service_entries(const SpecSet& specs, ServiceEndpoints& endpoints,
                           Diagnostics& diagnostics);
  void add_rules(const SpecSet& specs, Diagnostics& diagnostics);
  bool add(RegistryService service, Diagnostics& diagnostics);

  std::string cluster_domain_;
  std::vector<std::string> names_;
  std::map<std::string, RegistryService> services_;  // by host
  RuleBook rules_;
};

void sort_unique(std::vector<LabelledEndpoint>& endpoints);
[[nodiscard]] bool selects(const Labels& selector, const Labels& labels);

}  // namespace sluice::config
