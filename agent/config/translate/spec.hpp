// SPDX-License-Identifier: Apache-2.0
// What each kind of object says once decoded: plain values with the place of every part that a
// later diagnostic may name, and no look-ups in other objects. Made by the translator of each kind,
// joined by translate/link. Thread: main. Invariants: a spec exists only for an object whose
// decoding reported no error.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "agent/config/translate/gateway_api/spec.hpp"
#include "agent/config/translate/object_meta.hpp"
#include "agent/model/world.hpp"

namespace sluice::config {

struct GatewayHost {
  std::string name_space;  // "*" = any, else the virtual service's namespace must be this one
  std::string host;        // lower case: exact, "*.suffix" or "*"
  model::Origin origin;
};

enum class ServerProtocol { kHttp, kTcp };

struct ServerSpec {
  std::optional<IpAddress> bind;
  std::uint16_t port = 0;
  ServerProtocol protocol = ServerProtocol::kHttp;
  std::vector<GatewayHost> hosts;
  std::optional<model::Origin> https_redirect;  // where it is asked for
  model::Origin origin;
};

struct GatewaySpec {
  ObjectMeta meta;
  Labels selector;
  model::Origin selector_origin;
  std::vector<ServerSpec> servers;  // those this version serves
  GatewayAnnotations annotations;
};

// Which namespaces may use an object (exportTo).
struct ExportTo {
  bool everywhere = true;
  std::set<std::string> name_spaces;  // with !everywhere
  model::Origin origin;

  [[nodiscard]] bool reaches(const std::string& name_space) const {
    return everywhere || name_spaces.contains(name_space);
  }

  bool operator==(const ExportTo&) const = default;
};

struct GatewayReference {
  std::string name_space;
  std::string name;
  model::Origin origin;

  [[nodiscard]] std::string full_name() const { return name_space + "/" + name; }
};

struct DelegateReference {
  std::string name_space;
  std::string name;
  model::Origin origin;

  [[nodiscard]] std::string full_name() const { return name_space + "/" + name; }
};

struct MatchSpec {
  model::RouteMatch match;
  std::vector<std::string> gateways;  // "ns/name"; empty = all of the virtual service's
};

struct DestinationSpec {
  std::string name_space;  // of the object that says it: where short names belong
  PlacedText host;         // as written, lower case
  PlacedText subset;
  std::optional<std::uint16_t> port;
  model::Origin port_origin;
  std::uint64_t weight = 0;
  model::Origin weight_origin;
  model::HeaderRulesPtr headers;
  model::Origin origin;
};

struct MirrorSpec {
  DestinationSpec destination;
  model::Fraction share;
};

struct HttpRouteSpec {
  model::Route route;  // all of it but matches, destinations and mirrors
  std::vector<MatchSpec> matches;
  bool matches_all =
      true;  // no match list was written; else only `matches` count, even when none is left
  std::vector<DestinationSpec> destinations;
  std::vector<MirrorSpec> mirrors;
  Boxed<DelegateReference> delegate;  // whose routes stand in place of this one
};

struct TcpMatchSpec {
  model::TcpMatch match;
  std::vector<std::string> gateways;  // "ns/name"; empty = all of the virtual service's
};

struct TcpRouteSpec {
  std::vector<TcpMatchSpec> matches;
  bool matches_all = true;  // as HttpRouteSpec's
  std::vector<DestinationSpec> destinations;
  model::Origin origin;
};

struct VirtualServiceSpec {
  ObjectMeta meta;
  std::vector<PlacedText> hosts;           // empty: a delegate
  std::vector<GatewayReference> gateways;  // without the reserved "mesh"
  std::vector<HttpRouteSpec> http;
  std::vector<TcpRouteSpec> tcp;
  ExportTo export_to;
};

// The sections of one trafficPolicy, or of one port in it, that are written.
struct PolicySections {
  std::optional<model::LoadBalancer> load_balancer;
  std::optional<model::ConnectionPool> connection_pool;
  std::optional<model::OutlierDetection> outlier_detection;
  model::Origin origin;
  model::Origin locality_origin;  // of localityLbSetting
};

struct PolicySpec {
  PolicySections sections;
  std::optional<model::RetryBudget> retry_budget;
  std::optional<std::uint8_t> proxy_protocol;
  std::map<std::uint16_t, PolicySections> ports;
};

// What holds for a port of a service once all levels are put together.
struct PolicySet {
  model::TrafficPolicyPtr all = model::default_policy();   // never null
  std::map<std::uint16_t, model::TrafficPolicyPtr> ports;  // those that differ

  [[nodiscard]] const model::TrafficPolicyPtr& of(std::uint16_t port) const {
    const auto found = ports.find(port);
    return found == ports.end() ? all : found->second;
  }
};

struct SubsetSpec {
  std::string name;
  Labels labels;
  Boxed<PolicySpec> policy;
  PolicySet policies;  // with those of its rule
  model::Origin origin;
};

struct DestinationRuleSpec {
  ObjectMeta meta;
  PlacedText host;
  std::vector<SubsetSpec> subsets;
  Boxed<PolicySpec> policy;
  PolicySet policies;
  ExportTo export_to;
};

struct WorkloadSpec {
  std::optional<IpAddress> address;  // none: a name or a socket, which is no endpoint here
  std::map<std::string, std::uint16_t> ports;
  Labels labels;
  std::uint32_t weight = 1;
  std::string name;
  model::Locality locality;
  std::string network;
  std::int64_t ready_since = 0;  // seconds since 1970; 0 = unknown
  model::Origin origin;
};

struct ServiceEntryPort {
  std::uint16_t number = 0;
  std::string name;
  std::optional<std::uint16_t> target;
};

struct ServiceEntrySpec {
  ObjectMeta meta;
  std::vector<PlacedText> hosts;
  std::vector<ServiceEntryPort> ports;
  std::vector<WorkloadSpec> endpoints;
  std::optional<Labels> workload_selector;
  ExportTo export_to;
};

struct WorkloadEntrySpec {
  ObjectMeta meta;
  WorkloadSpec workload;
};

struct ServicePort {
  std::string name;
  std::uint16_t number = 0;
  std::uint16_t target_number = 0;  // 0: the target is named
  std::string target_name;
};

struct ServiceSpec {
  ObjectMeta meta;
  Labels selector;
  std::vector<ServicePort> ports;  // TCP
  std::vector<ServicePort> udp_ports;
  bool publish_not_ready = false;
  ExportTo export_to;
};

struct SliceEndpoint {
  std::vector<IpAddress> addresses;
  bool ready = true;
  bool serving = true;
  bool terminating = false;
  SharedText pod;  // "ns/name" of targetRef, or empty
  SharedText node;
  SharedText zone;
};

struct EndpointSliceSpec {
  ObjectMeta meta;
  std::string service;  // label kubernetes.io/service-name
  // TCP and UDP: names are those of one service's ports, which has each name once.
  std::vector<std::pair<std::string, std::uint16_t>> ports;
  std::vector<SliceEndpoint> endpoints;
};

struct PodSpec {
  ObjectMeta meta;
  std::vector<IpAddress> addresses;
  std::map<std::string, std::uint16_t> named_ports;
  std::string node;
  model::Locality locality;  // of its label istio-locality
  bool ready = true;
  bool terminating = false;
  std::int64_t ready_since = 0;  // seconds since 1970; 0 = unknown
};

struct NodeSpec {
  ObjectMeta meta;
  model::Locality locality;
};

using Spec = std::variant<GatewaySpec, VirtualServiceSpec, DestinationRuleSpec, ServiceEntrySpec,
                          WorkloadEntrySpec, ServiceSpec, EndpointSliceSpec, PodSpec, NodeSpec,
                          GatewayClassSpec, ApiGatewaySpec, ListenerSetSpec, ApiRouteSpec,
                          ReferenceGrantSpec, NamespaceSpec>;
using SpecPtr = std::shared_ptr<const Spec>;

// A version that is not in force, as far as it could be read, for what is to be said in its status.
struct Refused {
  SpecPtr spec;     // null: nothing is to be said
  std::string why;  // its first error
};

}  // namespace sluice::config
