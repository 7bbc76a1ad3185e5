// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/destination.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent/config/translate/delegate.hpp"
#include "agent/config/translate/hosts.hpp"

namespace sluice::config {
namespace {

std::string canonical(const Labels& labels) {
  std::string out;
  for (const auto& [key, value] : labels) {
    if (!out.empty()) out += ',';
    out += key + "=" + value;
  }
  return out;
}

// What the policy's failoverPriority compares with the agent's own labels.
void add_failover_labels(const model::TrafficPolicy& policy, const Labels& labels,
                         model::Endpoint& out) {
  if (!policy.load_balancer.locality) return;
  for (const std::string& entry : policy.load_balancer.locality->failover_priority) {
    const auto found = labels.find(entry.substr(0, entry.find('=')));
    out.failover_labels.push_back(found == labels.end() ? SharedText() : SharedText(found->second));
  }
}

void add_endpoints(const RegistryPort& port, const Labels& selector, model::Cluster& out) {
  out.endpoints.reserve(port.endpoints.size());
  for (const LabelledEndpoint& candidate : port.endpoints) {
    if (!selects(selector, *candidate.labels)) continue;
    out.endpoints.push_back(candidate.endpoint);
    add_failover_labels(*out.policy, *candidate.labels, out.endpoints.back());
  }
}

std::string cluster_key(const model::Cluster& cluster) {
  return fmt::format("{}|{}|{}", cluster.host, cluster.subset, cluster.port);
}

bool is_short(const std::string& host) { return host.find('.') == std::string::npos; }

class DestinationLinker {
 public:
  DestinationLinker(const Registry& registry, LinkedVirtualService& out)
      : registry_(registry), out_(out) {}

  std::vector<model::WeightedDestination> link(const std::vector<DestinationSpec>& destinations) {
    std::vector<model::WeightedDestination> out;
    out.reserve(destinations.size());
    for (const DestinationSpec& destination : destinations) {
      out.push_back(
          {link(destination), destination.weight, destination.origin, destination.headers});
    }
    return out;
  }

  // The key of the destination's cluster, which is made when it is new.
  std::string link(const DestinationSpec& destination) {
    const RegistryService* service = registry_.find(destination.host.value, destination.name_space);
    model::Cluster cluster;
    cluster.host = service != nullptr ? service->host
                                      : qualify(destination.host.value, destination.name_space,
                                                registry_.cluster_domain());
    cluster.subset = destination.subset.value;
    cluster.origin = destination.host.origin;
    const RegistryPort* port = nullptr;
    if (service == nullptr) {
      report_unknown_host(destination, cluster.host);
    } else if (!visible(*service, destination)) {
      add_error(out_.problems, destination.host.origin, "host_not_visible",
                fmt::format("`{}` ({}) is not exported to `{}`", service->host,
                            model::location(service->export_to.origin), destination.name_space),
                fmt::format("add `{}` to its exportTo", destination.name_space));
      service = nullptr;
    } else {
      cluster.origin = service->origin;
      port = find_port(destination, *service);
    }
    cluster.port = port != nullptr ? port->number : destination.port.value_or(0);
    cluster.key = cluster_key(cluster);
    if (service != nullptr) fill(cluster, destination, *service, port);
    std::string key = cluster.key;
    if (!out_.clusters.contains(key)) {
      out_.clusters.emplace(key, std::make_shared<const model::Cluster>(std::move(cluster)));
    }
    return key;
  }

 private:
  // A service may be used by virtual services of the namespaces that it is exported to, and by Gateways there.
  bool visible(const RegistryService& service, const DestinationSpec& destination) const {
    const auto& gateways = out_.spec->gateways;
    return service.export_to.reaches(destination.name_space) ||
           std::any_of(gateways.begin(), gateways.end(), [&](const GatewayReference& gateway) {
             return service.export_to.reaches(gateway.name_space);
           });
  }

  void report_unknown_host(const DestinationSpec& destination, const std::string& host) {
    std::string elsewhere;
    const std::string start = destination.host.value + ".";
    for (const std::string& name : registry_.names()) {
      if (is_short(destination.host.value) && name.starts_with(start)) elsewhere = name;
    }
    std::string hint =
        !elsewhere.empty()
            ? fmt::format("short names belong to the rule's namespace; write `{}`", elsewhere)
            : did_you_mean(host, registry_.names(),
                           "add the Service or ServiceEntry, or correct the name");
    add_error(out_.problems, destination.host.origin, "host_not_found",
              fmt::format("no service `{}` exists", host), std::move(hint));
  }

  const RegistryPort* find_port(const DestinationSpec& destination,
                                const RegistryService& service) {
    std::vector<std::string> numbers;
    for (const RegistryPort& port : service.ports) numbers.push_back(std::to_string(port.number));
    if (destination.port) {
      const RegistryPort* port = service.port(*destination.port);
      if (port == nullptr) {
        add_error(out_.problems, destination.port_origin, "port_not_found",
                  fmt::format("`{}` has no TCP port {}", service.host, *destination.port),
                  numbers.empty() ? std::string() : fmt::format("write {}", name_list(numbers)));
      }
      return port;
    }
    if (service.ports.size() == 1) return &service.ports.front();
    add_error(out_.problems, destination.port_origin,
              service.ports.empty() ? "port_not_found" : "port_required",
              service.ports.empty()
                  ? fmt::format("`{}` has no TCP port", service.host)
                  : fmt::format("`{}` has several ports, and none is chosen", service.host),
              numbers.empty() ? "add a port to the service"
                              : fmt::format("add `port:` with `number:` {}", name_list(numbers)));
    return nullptr;
  }

  const MergedSubset* find_subset(const DestinationSpec& destination,
                                  const RegistryService& service) {
    const MergedRule* rule = registry_.rule_for(service);
    const std::string& name = destination.subset.value;
    if (rule == nullptr) {
      add_error(out_.problems, destination.subset.origin, "subset_not_found",
                fmt::format("the subset `{}` is not defined: no DestinationRule for `{}` exists",
                            name, service.host),
                fmt::format("add a DestinationRule with `host: {}` and this subset", service.host));
      return nullptr;
    }
    if (const MergedSubset* subset = rule->subset(name)) return subset;
    std::vector<std::string> known;
    for (const MergedSubset& subset : rule->subsets) known.push_back(subset.spec->name);
    std::vector<std::string> looked_at;
    for (const DestinationRuleSpec* from : rule->rules) {
      looked_at.push_back(
          fmt::format("{} ({})", from->meta.full_name(), model::location(from->host.origin)));
    }
    add_error(out_.problems, destination.subset.origin, "subset_not_found",
              fmt::format("the subset `{}` is not defined in DestinationRule {}", name,
                          fmt::format("{}", fmt::join(looked_at, ", "))),
              did_you_mean(name, known,
                           known.empty() ? std::string("it defines no subset; add this one")
                                         : "it defines " + name_list(known)));
    return nullptr;
  }

  void fill(model::Cluster& cluster, const DestinationSpec& destination,
            const RegistryService& service, const RegistryPort* port) {
    Labels labels;
    if (!destination.subset.value.empty()) {
      const MergedSubset* subset = find_subset(destination, service);
      if (subset == nullptr) return;
      labels = subset->spec->labels;
      cluster.origin = subset->spec->origin;
      cluster.selector = canonical(labels);
      cluster.policy = subset->policies.of(cluster.port);
    } else if (const MergedRule* rule = registry_.rule_for(service)) {
      cluster.policy = rule->policies.of(cluster.port);
    }
    if (port == nullptr) return;
    add_endpoints(*port, labels, cluster);
    if (cluster.endpoints.empty() && !out_.clusters.contains(cluster.key)) {
      report_no_endpoints(cluster, destination, *port);
    }
  }

  void report_no_endpoints(const model::Cluster& cluster, const DestinationSpec& destination,
                           const RegistryPort& port) {
    const bool subset = !cluster.subset.empty();
    add_warning(
        out_.problems, subset ? destination.subset.origin : destination.host.origin, "no_endpoints",
        !subset ? fmt::format("`{}` has no endpoint", cluster.host)
                : fmt::format("none of the {} endpoints of `{}` has the labels {} of subset `{}` "
                              "({})",
                              port.endpoints.size(), cluster.host, cluster.selector, cluster.subset,
                              model::location(cluster.origin)),
        subset ? "correct the subset's labels, or add the Pods whose labels count"
               : "add an EndpointSlice, Pods that its selector names, or endpoints");
  }

  const Registry& registry_;
  LinkedVirtualService& out_;
};

}  // namespace

model::ClusterPtr whole_cluster(const Registry& registry, const RegistryService& service,
                                const RegistryPort& port, const char* suffix) {
  model::Cluster out;
  out.host = service.host;
  out.port = port.number;
  out.key = cluster_key(out) + suffix;
  out.origin = service.origin;
  if (const MergedRule* rule = registry.rule_for(service)) out.policy = rule->policies.of(out.port);
  add_endpoints(port, {}, out);
  return std::make_shared<const model::Cluster>(std::move(out));
}

LinkedVirtualService link_virtual_service(const VirtualServiceSpec& spec, const SpecSet& specs,
                                          const Registry& registry) {
  LinkedVirtualService out;
  out.spec = &spec;
  DestinationLinker linker(registry, out);
  const auto routes = expand_routes(spec, specs, out.problems);
  out.routes.reserve(routes.size());
  for (const ExpandedRoute& expanded : routes) {
    const HttpRouteSpec& from = expanded.route();
    LinkedRoute linked;
    linked.matches = from.matches;
    linked.matches_all = from.matches_all;
    linked.route = from.route;
    linked.route.destinations = linker.link(from.destinations);
    for (const MirrorSpec& mirror : from.mirrors) {
      linked.route.mirrors.push_back(
          {linker.link(mirror.destination), mirror.share, mirror.destination.origin});
    }
    out.routes.push_back(std::move(linked));
  }
  for (const TcpRouteSpec& from : spec.tcp) {
    LinkedTcpRoute linked;
    linked.matches = from.matches;
    linked.matches_all = from.matches_all;
    linked.route.origin = from.origin;
    linked.route.destinations = linker.link(from.destinations);
    out.tcp_routes.push_back(std::move(linked));
  }
  return out;
}

}  // namespace sluice::config
