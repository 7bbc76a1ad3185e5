// SPDX-License-Identifier: Apache-2.0
// What objects of gateway.networking.k8s.io, and Namespaces, say once decoded: as translate/spec.hpp, of whose variant
// they are part. Thread: main.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/config/status.hpp"
#include "agent/config/translate/object_meta.hpp"
#include "agent/model/route.hpp"

namespace sluice::config {

inline constexpr const char* kGatewayApiGroup = "gateway.networking.k8s.io";

// Why something is not in force, in the API's words.
struct Judgement {
  std::string reason;  // "UnsupportedValue"
  std::string message;

  bool operator==(const Judgement&) const = default;
};

struct GatewayClassSpec {
  ObjectMeta meta;
  StatusTarget target;
  std::string controller;
  bool has_parameters = false;
};

// metav1.LabelSelector.
struct LabelSelector {
  struct Expression {
    std::string key;
    std::string op;  // "In", "NotIn", "Exists" or "DoesNotExist"
    std::set<std::string> values;
  };
  Labels labels;
  std::vector<Expression> expressions;

  [[nodiscard]] bool matches(const Labels& of) const;
};

// Which namespaces may attach something.
struct NamespaceRule {
  enum class From : std::uint8_t { kNone, kSame, kAll, kSelector };
  From from = From::kSame;
  LabelSelector selector;
};

struct ApiListenerSpec {
  std::string name;
  std::string hostname;  // lower case; empty: any
  std::uint16_t port = 0;
  std::string protocol;  // as written
  NamespaceRule name_spaces;
  std::optional<std::vector<RouteKind>> kinds;   // allowedRoutes.kinds
  std::optional<Judgement> certificate_problem;  // of tls, by what can be told without Secrets
  model::Origin origin;
};

struct ApiGatewaySpec {
  ObjectMeta meta;
  StatusTarget target;
  std::string class_name;
  std::vector<ApiListenerSpec> listeners;
  std::vector<GatewayStatus::Address> wanted;    // spec.addresses
  std::vector<GatewayStatus::Address> assigned;  // status.addresses
  NamespaceRule allowed_listeners{NamespaceRule::From::kNone, {}};
  bool has_parameters = false;
  GatewayAnnotations annotations;
};

struct ListenerSetSpec {
  ObjectMeta meta;
  StatusTarget target;
  std::string parent;  // "ns/name" of a Gateway; empty: something else
  std::vector<ApiListenerSpec> listeners;
};

struct ParentReference {
  std::string group;
  std::string kind;
  std::optional<std::string> name_space;
  std::string name;
  std::optional<std::string> section;
  std::optional<std::uint16_t> port;
  model::Origin origin;
};

struct BackendReference {
  std::string group;
  std::string kind;
  std::string name_space;
  std::string name;
  std::optional<std::uint16_t> port;
  std::uint64_t weight = model::kWeightUnit;  // in 1/kWeightUnit
  model::HeaderRulesPtr headers;
  model::Origin origin;
};

struct ApiRule {
  model::Route route;                      // all of it but matches, destinations and mirrors
  std::vector<model::RouteMatch> matches;  // never empty in an HTTPRoute
  std::vector<BackendReference> backends;
  struct Mirror {
    BackendReference backend;
    model::Fraction share;
  };
  std::vector<Mirror> mirrors;
  std::optional<Judgement> problem;  // then what matches is answered 500
};

// HTTPRoute, GRPCRoute, TCPRoute, TLSRoute or UDPRoute.
struct ApiRouteSpec {
  ObjectMeta meta;
  StatusTarget target;  // its kind says which
  std::vector<ParentReference> parents;
  std::vector<std::string> hostnames;  // lower case
  std::vector<ApiRule> rules;
  bool had_status = false;  // status.parents has an entry of this controller
};

struct ReferenceGrantSpec {
  struct From {
    std::string group;
    std::string kind;
    std::string name_space;
  };
  struct To {
    std::string group;
    std::string kind;
    std::string name;  // empty: all
  };
  ObjectMeta meta;
  std::vector<From> from;
  std::vector<To> to;
};

struct NamespaceSpec {
  ObjectMeta meta;
};

}  // namespace sluice::config
