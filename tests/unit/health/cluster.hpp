// SPDX-License-Identifier: Apache-2.0
// A registry with a clock moved by hand and one cluster in it.
#pragma once
#include <memory>
#include <vector>

#include "agent/health/registry.hpp"

namespace sluice::health {

inline std::vector<model::Endpoint> endpoints(std::size_t count) {
  std::vector<model::Endpoint> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    out[i].address.ip = IpAddress::parse("10.0.0.1").value();
    out[i].address.port = static_cast<std::uint16_t>(8000 + i);
  }
  return out;
}

struct Cluster {
  explicit Cluster(std::size_t count, const model::OutlierDetection& outlier = {}) {
    model::TrafficPolicy with;
    with.outlier_detection = outlier;
    policy = std::make_shared<const model::TrafficPolicy>(with);
    records = registry.find("echo", policy, endpoints(count));
  }
  // Reports `times` outcomes of one endpoint.
  void report(std::size_t endpoint, Outcome outcome, std::uint32_t times = 1) const {
    for (std::uint32_t i = 0; i < times; ++i) {
      records.endpoints[endpoint]->report(outcome, *policy->outlier_detection, clock.now());
    }
  }
  [[nodiscard]] bool ejected(std::size_t endpoint) const {
    return records.endpoints[endpoint]->state().ejected;
  }
  void wait(Milliseconds time) {
    clock.advance(time);
    registry.sweep();
  }
  [[nodiscard]] ClusterView view() { return registry.views().at(0); }

  ManualClock clock;
  std::int64_t unix_seconds = 1'800'000'000;
  Registry registry{clock, [this] { return unix_seconds; }};
  model::TrafficPolicyPtr policy;
  Records records;
};

}  // namespace sluice::health
