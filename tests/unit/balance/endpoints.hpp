// SPDX-License-Identifier: Apache-2.0
// Endpoints and their states for tests of pickers.
#pragma once
#include <deque>
#include <initializer_list>
#include <vector>

#include "agent/balance/endpoint_picker.hpp"

namespace sluice::balance {

inline std::vector<model::Endpoint> weighted(std::initializer_list<std::uint32_t> weights) {
  std::vector<model::Endpoint> out;
  for (const auto weight : weights) {
    model::Endpoint endpoint;
    endpoint.address.ip = IpAddress::parse("10.0.0.1").value();
    endpoint.address.port = static_cast<std::uint16_t>(8000 + out.size());
    endpoint.weight = weight;
    out.push_back(endpoint);
  }
  return out;
}

inline std::vector<model::Endpoint> equal(std::size_t count) {
  std::vector<model::Endpoint> out = weighted({});
  for (std::size_t i = 0; i < count; ++i) {
    model::Endpoint endpoint;
    endpoint.address.ip = IpAddress::parse("10.0.0.1").value();
    endpoint.address.port = static_cast<std::uint16_t>(8000 + i);
    out.push_back(endpoint);
  }
  return out;
}

// A cluster as pickers see it: endpoints, policy and what is known of them.
struct Cluster {
  explicit Cluster(std::vector<model::Endpoint> of, model::LoadBalancer::Kind kind)
      : endpoints(std::move(of)), states_(endpoints.size()) {
    policy.kind = kind;
    for (auto& state : states_) states.push_back(&state);
  }
  [[nodiscard]] EndpointPicker picker(std::size_t worker = 0) const {
    return EndpointPicker({.endpoints = endpoints,
                           .policy = &policy,
                           .states = states,
                           .changes = &changes,
                           .min_health_percent = min_health_percent,
                           .tables = tables,
                           .worker = worker,
                           .seed = 1 + worker},
                          now);
  }
  void eject(std::size_t index, bool ejected = true) {
    states[index]->ejected = ejected;
    ++changes.count;
  }
  // How often each is picked in `picks`.
  std::vector<int> counts(EndpointPicker& picker, int picks,
                          std::optional<std::uint64_t> hash = std::nullopt) const {
    std::vector<int> out(endpoints.size());
    for (int i = 0; i < picks; ++i) {
      const auto picked = picker.pick({.hash = hash, .now = now});
      if (picked) ++out[*picked];
    }
    return out;
  }
  void use_table(model::ConsistentHash hash) {
    policy.kind = model::LoadBalancer::Kind::kConsistentHash;
    tables = std::make_shared<const HashTables>(endpoints, hash);
    policy.hash = std::move(hash);
  }

  std::vector<model::Endpoint> endpoints;
  model::LoadBalancer policy;
  std::uint32_t min_health_percent = 0;
  HashTablesPtr tables;
  ClusterChanges changes;
  std::vector<EndpointState*> states;
  TimePoint now{std::chrono::seconds(1000)};

 private:
  std::deque<EndpointState> states_;
};

}  // namespace sluice::balance
