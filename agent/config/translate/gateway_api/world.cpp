// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/gateway_api/world.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "agent/config/translate/gateway_annotations.hpp"
#include "agent/config/translate/gateway_api/status.hpp"

namespace sluice::config {

struct ApiWorld::Port {
  model::Listener listener;  // without hosts and routes
  std::vector<const ApiListener*> listeners;
  std::vector<const ApiGatewaySpec*> gateways;
};

namespace {

// Moving statuses costs more than looking: mostly the order of age is that of names.
template <typename T>
void sort_by_target(std::vector<T>& list) {
  const auto before = [](const T& a, const T& b) { return a.target < b.target; };
  if (!std::is_sorted(list.begin(), list.end(), before)) {
    std::sort(list.begin(), list.end(), before);
  }
}

// What attaches nowhere is told in its status; in files there is none.
void report_refused(const Attachment& attachment, Diagnostics& diagnostics) {
  if (!attachment.refused) return;
  const std::string& reason = attachment.refused->reason;
  add_warning(diagnostics, attachment.parent->origin, "not_attached",
              fmt::format("{}: {}: it has no effect there", reason, attachment.refused->message));
}

void report_listener(const ApiListener& listener, Diagnostics& diagnostics) {
  for (const auto& problem : {listener.conflict, listener.unresolved}) {
    if (!problem) continue;
    add_warning(diagnostics, listener.spec->origin, "listener_problem",
                fmt::format("{}: {}", problem->reason, problem->message));
  }
}

void report_gateway(const ApiGateway& gateway, Diagnostics& diagnostics) {
  if (gateway.refused) {
    add_warning(
        diagnostics, gateway.spec->meta.origin, "gateway_refused",
        fmt::format("it is not served: {}: {}", gateway.refused->reason, gateway.refused->message));
  }
  for (const ApiListener& listener : gateway.listeners) report_listener(listener, diagnostics);
  for (const ApiListenerSet& set : gateway.sets) {
    if (set.refused) {
      add_warning(diagnostics, set.spec->meta.origin, "not_attached",
                  fmt::format("{}: {}", set.refused->reason, set.refused->message));
    }
    for (const ApiListener& listener : set.listeners) report_listener(listener, diagnostics);
  }
}

// A name that nothing has is likely a mistake; what belongs to another controller is not.
void report_unknown(const SpecSet& specs, const ApiRouteSpec& route, Diagnostics& diagnostics) {
  for (const ParentReference& parent : route.parents) {
    if (parent.group != kGatewayApiGroup || parent.kind != "Gateway") continue;
    const std::string name = parent.name_space.value_or(route.meta.name_space) + "/" + parent.name;
    std::vector<std::string> names;
    for (const ApiGatewaySpec* each : specs.api_gateways) names.push_back(each->meta.full_name());
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    add_warning(diagnostics, parent.origin, "gateway_not_found",
                fmt::format("no Gateway `{}` is in force", name),
                did_you_mean(name, names, "add it, or correct the name"));
  }
}

void report_classes(const SpecSet& specs, Diagnostics& diagnostics) {
  std::set<std::string> known;
  for (const GatewayClassSpec* spec : specs.gateway_classes) known.insert(spec->meta.name);
  for (const ApiGatewaySpec* spec : specs.api_gateways) {
    if (known.contains(spec->class_name)) continue;
    add_warning(diagnostics, spec->meta.origin, "class_not_found",
                fmt::format("no GatewayClass `{}` exists: it is not served", spec->class_name),
                fmt::format("add one with `controllerName: {}`", kControllerName));
  }
}

bool is_http(const ApiListener& listener) { return listener.spec->protocol == "HTTP"; }

}  // namespace

void ApiWorld::refresh(const SpecStore::Changes& changes, const LinkCache& links) {
  const auto& hosts = links.changed();
  if (!hosts) {
    entries_.clear();
    return;
  }
  std::erase_if(entries_, [&](const auto& entry) {
    const LinkedApiRoute& linked = *entry.second.linked;
    if (changes.grants && linked.crosses) return true;
    return !hosts->empty() && std::any_of(linked.hosts.begin(), linked.hosts.end(),
                                          [&](const auto& host) { return hosts->contains(host); });
  });
}

const LinkedApiRoutePtr& ApiWorld::link(const ApiRouteSpec& spec, const SpecSet& specs,
                                        LinkCache& links) {
  Entry& entry = entries_[&spec];
  entry.used = true;
  if (!entry.linked) {
    LinkedApiRoute linked = link_api_route(spec, links.registry(), Grants(specs.grants));
    links.share(linked.clusters);
    entry.linked = std::make_shared<const LinkedApiRoute>(std::move(linked));
  }
  return entry.linked;
}

void ApiWorld::attach_routes(const SpecSet& specs, ApiGateways& gateways,
                             const NamespaceLabels& labels, LinkCache& links, StatusReport& status,
                             Diagnostics& diagnostics) {
  for (const ApiRouteSpec* spec : specs.api_routes) {
    auto attachments = attach(*spec, labels, gateways);
    if (attachments.size() < spec->parents.size()) report_unknown(specs, *spec, diagnostics);
    if (attachments.empty()) {
      if (spec->had_status) status.routes.push_back({spec->target, {}});
      continue;
    }
    const LinkedApiRoutePtr& linked = link(*spec, specs, links);
    if (!linked->problems.empty()) append(diagnostics, linked->problems);
    const RuleProblems problems = rule_problems(*spec);
    for (Attachment& attachment : attachments) {
      if (problems.whole && !attachment.refused) attachment.refused = problems.first;
      report_refused(attachment, diagnostics);
      if (attachment.refused) continue;
      for (ApiListener* listener : attachment.listeners) {
        auto& routes = routes_[listener];
        if (!routes.empty() && routes.back() == linked) continue;
        ++listener->attached;
        // Connections cannot be told apart: the oldest route gets them all, and the others wait for it to go.
        if (!is_http(*listener) && !routes.empty()) continue;
        routes.push_back(linked);
      }
    }
    status.routes.push_back(route_status(*spec, attachments, *linked));
  }
}

ApiWorld::Ports ApiWorld::collect_ports(const SpecSet& specs, const ApiGateways& gateways,
                                        Diagnostics& diagnostics) const {
  Ports out;
  const auto add = [&](const ApiGateway& gateway, const ApiListener& listener) {
    if (listener.refused) return;
    for (const std::optional<IpAddress>& bind : gateway.addresses) {
      const bool udp = listener.spec->protocol == "UDP";
      Port& port = out[{listener.spec->port, bind, udp}];
      model::Listener& config = port.listener;
      if (port.listeners.empty()) {
        config.bind = bind;
        config.port = listener.spec->port;
        config.name = bind ? to_string(SocketAddress{*bind, config.port})
                           : fmt::format("0.0.0.0:{}", config.port);
        if (udp) config.name += "/udp";  // next to a listener of the same port for connections
        config.protocol = listener.spec->protocol;
        config.origin = listener.spec->origin;
      } else if (config.protocol != listener.spec->protocol) {
        add_warning(
            diagnostics, listener.spec->origin, "protocol_conflict",
            fmt::format("this listener is not served: Gateway {}, which comes first, has "
                        "{} at {}",
                        port.gateways.front()->meta.full_name(), config.protocol, config.name),
            "give it another port, or the same protocol");
        continue;
      }
      port.listeners.push_back(&listener);
      if (port.gateways.empty() || port.gateways.back() != gateway.spec) {
        port.gateways.push_back(gateway.spec);
      }
    }
  };
  for (const ApiGatewaySpec* spec : specs.api_gateways) {
    const auto found = gateways.find(spec->meta.full_name());
    if (found == gateways.end() || found->second.refused) continue;
    for (const ApiListener& listener : found->second.listeners) add(found->second, listener);
    for (const ApiListenerSet& set : found->second.sets) {
      if (set.refused) continue;
      for (const ApiListener& listener : set.listeners) add(found->second, listener);
    }
  }
  return out;
}

void ApiWorld::add_listener(const Port& port, model::World& world, Diagnostics& diagnostics) {
  auto listener =
      std::find_if(world.listeners.begin(), world.listeners.end(),
                   [&](const model::Listener& each) { return each.name == port.listener.name; });
  if (listener == world.listeners.end()) {
    listener = world.listeners.insert(world.listeners.end(), port.listener);
  } else if (listener->protocol != port.listener.protocol) {
    add_warning(diagnostics, port.listener.origin, "protocol_conflict",
                fmt::format("this listener is not served: gateway {} has {} at {}",
                            listener->gateways.front(), listener->protocol, listener->name),
                "give it another port, or the same protocol");
    return;
  }
  for (const ApiGatewaySpec* gateway : port.gateways) {
    listener->gateways.push_back(gateway->meta.full_name());
    merge_annotations(*listener, gateway->annotations, diagnostics);
  }
  ApiPort attached;
  std::unordered_set<const model::Cluster*> seen;  // most routes lead to few services
  attached.listeners = port.listeners;
  for (const ApiListener* each : port.listeners) {
    const auto routes = routes_.find(each);
    if (routes == routes_.end()) continue;
    for (const LinkedApiRoutePtr& route : routes->second) {
      for (const auto& [key, cluster] : route->clusters) {
        if (seen.insert(cluster.get()).second) world.clusters.try_emplace(key, cluster);
      }
    }
    if (is_http(*each)) {
      attached.routes.emplace(each, routes->second);
    } else if (!routes->second.front()->rules.empty()) {
      const model::Route& rule = routes->second.front()->rules.front();
      listener->tcp_routes.push_back({{}, rule.destinations, rule.origin});
    }
  }
  if (port.listener.protocol != "HTTP") return;
  ApiHostMemory& memory = next_hosts_[listener->name];
  if (const auto old = hosts_.find(listener->name); old != hosts_.end()) {
    memory = std::move(old->second);
  }
  auto hosts = build_api_hosts(attached, memory);
  std::move(hosts.begin(), hosts.end(), std::back_inserter(listener->virtual_hosts));
}

void ApiWorld::refuse_newest(const SpecSet& specs, ApiGateways& gateways,
                             const NamespaceLabels& labels, StatusReport& status) const {
  std::set<std::string> classes;
  for (const GatewayClassStatus& each : status.classes) classes.insert(each.target.name);
  for (const Refused& refused : specs.refused) {
    if (const auto* route = std::get_if<ApiRouteSpec>(refused.spec.get())) {
      refuse(*route, attach(*route, labels, gateways), refused.why, status.routes);
    } else if (const auto* gateway = std::get_if<ApiGatewaySpec>(refused.spec.get())) {
      if (classes.contains(gateway->class_name)) {
        refuse(gateway->target, refused.why, status.gateways);
      }
    } else if (const auto* set = std::get_if<ListenerSetSpec>(refused.spec.get())) {
      if (gateways.contains(set->parent)) refuse(set->target, refused.why, status.gateways);
    }
  }
}

void ApiWorld::build(const SpecSet& specs, const SpecStore::Changes& changes, LinkCache& links,
                     GatewayAddresses addresses, model::World& world, StatusReport& status,
                     Diagnostics& diagnostics) {
  refresh(changes, links);
  const NamespaceLabels labels(specs);
  status.classes = judge_classes(specs);
  report_classes(specs, diagnostics);
  ApiGateways gateways = judge_gateways(specs, labels, addresses);
  attach_routes(specs, gateways, labels, links, status, diagnostics);
  for (const auto& [key, port] : collect_ports(specs, gateways, diagnostics)) {
    add_listener(port, world, diagnostics);
  }
  std::sort(world.listeners.begin(), world.listeners.end(),
            [](const model::Listener& a, const model::Listener& b) {
              return std::tie(a.port, a.bind, a.name) < std::tie(b.port, b.bind, b.name);
            });
  for (const auto& [name, gateway] : gateways) {
    add_gateway_status(gateway, status.gateways);
    report_gateway(gateway, diagnostics);
  }
  refuse_newest(specs, gateways, labels, status);
  sort_by_target(status.gateways);
  sort_by_target(status.routes);
  hosts_ = std::exchange(next_hosts_, {});
  routes_.clear();
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    entry = std::exchange(entry->second.used, false) ? std::next(entry) : entries_.erase(entry);
  }
}

}  // namespace sluice::config
