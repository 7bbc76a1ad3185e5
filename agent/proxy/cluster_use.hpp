// SPDX-License-Identifier: Apache-2.0
// ClusterUse: what one worker keeps of a cluster with certain endpoints: the picker, the shared records and the pools;
// ClusterUses: finds the one there is.
// Callers: Generation (makes), Stream and RequestLoad (use). Thread: worker. Invariants: indexes are those of the
// endpoints it was made for; shared by all sets and generations in which endpoints and policy are the same, so that
// turns, warmups and ejections go on over a change elsewhere.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/balance/endpoint_picker.hpp"
#include "agent/health/registry.hpp"
#include "agent/proxy/endpoint_pool.hpp"
#include "agent/proxy/worker_report.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::proxy {

class ClusterUse {
 public:
  ClusterUse(Context& context, const snapshot::Share& share);
  ~ClusterUse() { --report_.uses; }
  ClusterUse(const ClusterUse&) = delete;
  ClusterUse& operator=(const ClusterUse&) = delete;

  // Nothing has to be made anew for that share.
  [[nodiscard]] bool suits(const snapshot::Share& share) const;

  // nullopt: there is none, or none that is well enough.
  [[nodiscard]] std::optional<std::uint32_t> pick(const balance::PickRequest& request);
  // Whether a pick may return that endpoint as things are now.
  [[nodiscard]] bool uses(std::uint32_t endpoint, TimePoint now) {
    return picker_.uses(endpoint, now);
  }
  [[nodiscard]] std::size_t size() const { return endpoints_.size(); }
  // Made at the first request for the endpoint: most workers never see most of many endpoints.
  [[nodiscard]] EndpointPool& pool(std::uint32_t endpoint);
  // For copies of requests; made when the first one comes.
  [[nodiscard]] EndpointPool& mirror_pool(std::uint32_t endpoint);
  [[nodiscard]] health::EndpointRecord& record(std::uint32_t endpoint) const {
    return *records_.endpoints[endpoint];
  }
  [[nodiscard]] const std::shared_ptr<health::EndpointRecord>& shared_record(
      std::uint32_t endpoint) const {
    return records_.endpoints[endpoint];
  }
  [[nodiscard]] const SocketAddress& address(std::uint32_t endpoint) const {
    return records_.endpoints[endpoint]->address();
  }
  // The endpoint of that address; nullopt when it is not one of them.
  [[nodiscard]] std::optional<std::uint32_t> find(const SocketAddress& address) const;
  [[nodiscard]] health::ClusterRecord& record() const { return *records_.cluster; }
  [[nodiscard]] const model::TrafficPolicy& policy() const { return *policy_; }
  [[nodiscard]] ClusterReport& report() const { return report_; }

 private:
  Context& context_;
  model::EndpointList endpoints_;
  model::TrafficPolicyPtr policy_;
  ClusterReport& report_;
  health::Records records_;
  std::vector<balance::EndpointState*> states_;              // in records_
  std::vector<std::shared_ptr<EndpointPool>> pools_;         // as endpoints_, with gaps; or none
  std::vector<std::shared_ptr<EndpointPool>> mirror_pools_;  // the same, or none
  balance::EndpointPicker picker_;
};

class ClusterUses {
 public:
  explicit ClusterUses(Context& context) : context_(context) {}
  [[nodiscard]] std::shared_ptr<ClusterUse> get(const snapshot::Share& share);
  // A generation was made. Also of the worker's report: what no generation, request or connection uses for long.
  void forget_unused();

 private:
  Context& context_;
  std::unordered_map<std::string, std::weak_ptr<ClusterUse>> by_cluster_;
};

}  // namespace sluice::proxy
