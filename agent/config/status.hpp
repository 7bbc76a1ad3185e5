// SPDX-License-Identifier: Apache-2.0
// StatusReport: what Gateway API asks a controller to say about its objects, as the translation found it. Written to
// the API server by one elected agent (app/), which adds what no single agent can know: whether all have it in force,
// and who has which address. Plain values. Thread: any.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::config {

// As in `metadata`: enough to write the object's status subresource.
struct StatusTarget {
  std::string api_version;  // "gateway.networking.k8s.io/v1": the version that it was read with
  std::string kind;
  std::string name_space;  // empty: cluster-wide
  std::string name;
  std::int64_t generation = 0;  // the one that was judged

  auto operator<=>(const StatusTarget&) const = default;
};

// One of metav1.Condition; the writer adds observedGeneration and lastTransitionTime.
struct Condition {
  std::string type;    // "Accepted"
  bool holds = false;  // "True" or "False"
  std::string reason;  // CamelCase, of the API's own list where it has one
  std::string message;

  bool operator==(const Condition&) const = default;
};

struct RouteKind {
  std::string group;
  std::string kind;

  bool operator==(const RouteKind&) const = default;
};

struct ListenerStatus {
  std::string name;
  std::vector<RouteKind> supported_kinds;
  std::uint32_t attached_routes = 0;
  std::vector<Condition> conditions;

  bool operator==(const ListenerStatus&) const = default;
};

struct GatewayClassStatus {
  StatusTarget target;
  std::vector<Condition> conditions;
  std::vector<std::string> supported_features;  // sorted

  bool operator==(const GatewayClassStatus&) const = default;
};

// A Gateway of one of our classes, or a ListenerSet (then `wanted_addresses` is empty). `Programmed` holds here when
// this agent could serve it once it has an address.
struct GatewayStatus {
  struct Address {
    std::string type;   // "IPAddress", "Hostname" or of an implementation
    std::string value;  // may be empty: any of that type

    bool operator==(const Address&) const = default;
  };
  StatusTarget target;
  std::vector<Condition> conditions;
  std::vector<ListenerStatus> listeners;
  std::vector<Address> wanted_addresses;  // spec.addresses
  std::vector<Address> addresses;         // status.addresses as the object has them now
  std::uint32_t attached_listener_sets = 0;

  bool operator==(const GatewayStatus&) const = default;
};

// One item of a route's status.parents; the reference as the route writes it, defaults filled in where it says nothing.
struct ParentStatus {
  std::string group;
  std::string kind;
  std::optional<std::string> name_space;
  std::string name;
  std::optional<std::string> section;
  std::optional<std::uint16_t> port;
  std::vector<Condition> conditions;

  bool operator==(const ParentStatus&) const = default;
};

// A route or policy with at least one parent of ours. Without parents: it had some, which the writer has to take out.
struct RouteStatus {
  StatusTarget target;
  std::vector<ParentStatus> parents;

  bool operator==(const RouteStatus&) const = default;
};

// Each list in the order of its targets.
struct StatusReport {
  std::vector<GatewayClassStatus> classes;
  std::vector<GatewayStatus> gateways;
  std::vector<RouteStatus> routes;

  bool operator==(const StatusReport&) const = default;
};

}  // namespace sluice::config
