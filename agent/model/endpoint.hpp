// SPDX-License-Identifier: Apache-2.0
// Endpoint, Cluster: the backends that a destination names. Plain values. Thread: any.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/ip_address.hpp"
#include "agent/base/shared_text.hpp"
#include "agent/model/locality.hpp"
#include "agent/model/origin.hpp"
#include "agent/model/traffic_policy.hpp"

namespace sluice::model {

struct Endpoint {
  SocketAddress address;
  SharedText name;  // pod "default/echo-v1-abc", workload entry, or the address
  std::uint32_t weight = 1;
  bool ready = true;         // EndpointSlice conditions.ready
  bool serving = true;       // conditions.serving
  bool terminating = false;  // conditions.terminating
  Locality locality{};
  // Labels that the cluster's failoverPriority names, in its order; "" where it has none.
  std::vector<SharedText> failover_labels{};
  // Since when it may serve, in seconds since 1970 (pod condition Ready's lastTransitionTime); 0 = unknown. For warmup.
  std::int64_t ready_since = 0;
  // Groups that are used one after the other, 0 first; set by snapshot::build from the locality policy.
  std::uint32_t priority = 0;

  bool operator==(const Endpoint&) const = default;
};

// Endpoints that do not change any more: copies share them.
class EndpointList {
 public:
  EndpointList() = default;
  EndpointList(std::vector<Endpoint> endpoints)
      : EndpointList(std::make_shared<const std::vector<Endpoint>>(std::move(endpoints))) {}
  explicit EndpointList(std::shared_ptr<const std::vector<Endpoint>> endpoints)
      : endpoints_(std::move(endpoints)) {}

  [[nodiscard]] auto begin() const { return all().begin(); }
  [[nodiscard]] auto end() const { return all().end(); }
  [[nodiscard]] std::size_t size() const { return all().size(); }
  [[nodiscard]] bool empty() const { return all().empty(); }
  [[nodiscard]] const Endpoint& operator[](std::size_t index) const { return all()[index]; }
  [[nodiscard]] std::span<const Endpoint> span() const { return all(); }
  bool operator==(const EndpointList& other) const {
    return endpoints_ == other.endpoints_ || all() == other.all();
  }

 private:
  [[nodiscard]] const std::vector<Endpoint>& all() const {
    return endpoints_ ? *endpoints_ : kNone;
  }

  static inline const std::vector<Endpoint> kNone{};
  std::shared_ptr<const std::vector<Endpoint>> endpoints_;  // null: none
};

// One (host, subset, port) of the configuration: the unit a weighted destination refers to. Key, also the metric
// label: "echo.default.svc.cluster.local|v1|80" (subset empty when none).
struct Cluster {
  std::string key;
  std::string host;
  std::string subset;
  std::uint16_t port = 0;
  // A canonical text of the subset's labels ("version=v1"), so that a changed selector is told from changed pods.
  std::string selector;
  std::vector<Endpoint> endpoints;  // sorted by address, unique
  TrafficPolicyPtr policy =
      default_policy();  // never null; subset and port overrides are already in it
  // Stands for references that lead nowhere, and has no endpoints: its share is answered with 500 and goes to no other.
  bool invalid = false;
  Origin origin;  // the DestinationRule subset, else the Service or ServiceEntry
};
using ClusterPtr = std::shared_ptr<const Cluster>;  // equal pointers: nothing about it changed

}  // namespace sluice::model
