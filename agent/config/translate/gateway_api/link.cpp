// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/gateway_api/link.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "agent/config/translate/hosts.hpp"

namespace sluice::config {
namespace {

// One for all: what is wrong with each reference is said by its diagnostic and by the route's status.
constexpr const char* kInvalidKey = "invalid-backend";

class Linker {
 public:
  Linker(const Registry& registry, const Grants& grants, LinkedApiRoute& out)
      : registry_(registry), grants_(grants), out_(out) {}

  // The key of the cluster; nullopt when the reference leads nowhere, which is reported.
  std::optional<std::string> link(const BackendReference& backend, const char* effect = nullptr) {
    effect_ = effect != nullptr ? effect : effect_on_share();
    const std::string& own = out_.spec->meta.name_space;
    if (!backend.group.empty() || backend.kind != "Service") {
      return refuse(backend, "InvalidKind", "invalid_kind",
                    fmt::format("a backend is a Service, not a {}/{}", backend.group, backend.kind),
                    {});
    }
    if (backend.name_space != own) {
      out_.crosses = true;
      if (!grants_.permits(out_.spec->target.kind, own, backend)) {
        return refuse(backend, "RefNotPermitted", "ref_not_permitted",
                      fmt::format("no ReferenceGrant in namespace {} lets a {} of namespace {} "
                                  "send to Service {}",
                                  backend.name_space, out_.spec->target.kind, own, backend.name),
                      "add one there");
      }
    }
    const std::string host =
        fmt::format("{}.{}.svc.{}", backend.name, backend.name_space, registry_.cluster_domain());
    out_.hosts.insert(host);
    const auto found = registry_.services().find(host);
    if (found == registry_.services().end()) {
      return refuse(backend, "BackendNotFound", "backend_not_found",
                    fmt::format("no Service {}/{} exists", backend.name_space, backend.name),
                    did_you_mean(host, registry_.names(), "add it, or correct the name"));
    }
    const bool udp = out_.spec->target.kind == "UDPRoute";
    const RegistryPort* port = nullptr;
    if (backend.port) {
      port = udp ? found->second.udp_port(*backend.port) : found->second.port(*backend.port);
    }
    if (port == nullptr) {
      return refuse(backend, "BackendNotFound", "port_not_found",
                    backend.port
                        ? fmt::format("Service {}/{} has no {} port {}", backend.name_space,
                                      backend.name, udp ? "UDP" : "TCP", *backend.port)
                        : std::string("a Service is named with its port"),
                    "write a `port` that it has");
    }
    auto cluster = whole_cluster(registry_, found->second, *port, udp ? "/udp" : "");
    if (udp && cluster->policy->proxy_protocol) {
      add_warning(out_.problems, backend.origin, "udp_proxy_protocol",
                  fmt::format("a DestinationRule asks for PROXY headers towards {} ({}), which "
                              "datagrams do not carry",
                              host, model::location(cluster->policy->origin)),
                  "endpoints see the node's address; leave `proxyProtocol` out for this port");
    }
    return keep(std::move(cluster));
  }

  std::vector<model::WeightedDestination> link(const std::vector<BackendReference>& backends) {
    std::vector<model::WeightedDestination> out;
    bool any = false;
    for (const BackendReference& backend : backends) {
      auto key = link(backend);
      any = any || backend.weight > 0;
      out.push_back(
          {key ? std::move(*key) : invalid(), backend.weight, backend.origin, backend.headers});
    }
    // Weights of 0 only: nothing may be sent anywhere.
    if (!out.empty() && !any) {
      out.push_back({invalid(), model::kWeightUnit, backends.front().origin, nullptr});
    }
    return out;
  }

 private:
  std::string keep(model::ClusterPtr cluster) {
    std::string key = cluster->key;
    out_.clusters.try_emplace(key, std::move(cluster));
    return key;
  }

  [[nodiscard]] const char* effect_on_share() const {
    const std::string& kind = out_.spec->target.kind;
    if (kind == "HTTPRoute") return "its share is answered with 500";
    return kind == "UDPRoute" ? "its share of the datagrams is dropped"
                              : "its share of the connections is reset";
  }

  std::string invalid() {
    static const model::ClusterPtr kInvalid = [] {
      model::Cluster cluster;
      cluster.key = kInvalidKey;
      cluster.host = kInvalidKey;
      cluster.invalid = true;
      return std::make_shared<const model::Cluster>(std::move(cluster));
    }();
    return keep(kInvalid);
  }

  std::nullopt_t refuse(const BackendReference& backend, const char* reason, const char* code,
                        const std::string& message, std::string hint) {
    if (!out_.unresolved) out_.unresolved = Judgement{reason, message};
    add_warning(out_.problems, backend.origin, code, fmt::format("{}: {}", message, effect_),
                std::move(hint));
    return std::nullopt;
  }

  const Registry& registry_;
  const Grants& grants_;
  LinkedApiRoute& out_;
  const char* effect_ = "";  // of the reference at hand leading nowhere
};

model::Route link_rule(const ApiRule& rule, Linker& linker) {
  model::Route out = rule.route;
  out.destinations = linker.link(rule.backends);
  for (const ApiRule::Mirror& mirror : rule.mirrors) {
    auto key = linker.link(mirror.backend, "no copies are sent");
    if (key && mirror.share.millionths > 0) {
      out.mirrors.push_back({std::move(*key), mirror.share, mirror.backend.origin});
    }
  }
  if (!rule.problem) return out;
  // What cannot be done may not be left out: the API asks for an error.
  model::Route error;
  error.name = out.name;
  error.origin = out.origin;
  error.direct_response.emplace();
  error.direct_response->status = 500;
  return error;
}

}  // namespace

bool Grants::permits(const std::string& kind, const std::string& name_space,
                     const BackendReference& service) const {
  return std::any_of(grants_.begin(), grants_.end(), [&](const ReferenceGrantSpec* grant) {
    return grant->meta.name_space == service.name_space &&
           std::any_of(grant->from.begin(), grant->from.end(),
                       [&](const ReferenceGrantSpec::From& from) {
                         return from.group == kGatewayApiGroup && from.kind == kind &&
                                from.name_space == name_space;
                       }) &&
           std::any_of(grant->to.begin(), grant->to.end(), [&](const ReferenceGrantSpec::To& to) {
             return to.group.empty() && to.kind == "Service" &&
                    (to.name.empty() || to.name == service.name);
           });
  });
}

LinkedApiRoute link_api_route(const ApiRouteSpec& spec, const Registry& registry,
                              const Grants& grants) {
  LinkedApiRoute out;
  out.spec = &spec;
  Linker linker(registry, grants, out);
  for (const ApiRule& rule : spec.rules) out.rules.push_back(link_rule(rule, linker));
  return out;
}

}  // namespace sluice::config
