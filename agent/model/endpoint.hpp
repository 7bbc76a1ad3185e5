// SPDX-License-Identifier: Apache-2.0
// Endpoint, Cluster: the backends that a destination names. Plain values. Thread: any.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/ip_address.hpp"
#include "agent/model/locality.hpp"
#include "agent/model/origin.hpp"
#include "agent/model/traffic_policy.hpp"

namespace sluice::model {

struct Endpoint {
  SocketAddress address;
  std::string name;  // pod "default/echo-v1-abc", workload entry, or the address
  std::uint32_t weight = 1;
  bool ready = true;         // EndpointSlice conditions.ready
  bool serving = true;       // conditions.serving
  bool terminating = false;  // conditions.terminating
  Locality locality{};
  // Labels that the cluster's failoverPriority names, in its order; "" where it has none.
  std::vector<std::string> failover_labels{};
  // Since when it may serve, in seconds since 1970 (pod condition Ready's lastTransitionTime); 0 = unknown. For warmup.
  std::int64_t ready_since = 0;
  // Groups that are used one after the other, 0 first; set by snapshot::build from the locality policy.
  std::uint32_t priority = 0;

  bool operator==(const Endpoint&) const = default;
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
  Origin origin;         // the DestinationRule subset, else the Service or ServiceEntry
};
using ClusterPtr = std::shared_ptr<const Cluster>;  // equal pointers: nothing about it changed

}  // namespace sluice::model
