// SPDX-License-Identifier: Apache-2.0
// EndpointPicker: the endpoint of a cluster that a request goes to, by the cluster's load-balancing policy.
//   ROUND_ROBIN      in turn, exactly by weight
//   LEAST_REQUEST    the one in turn or one at random, whichever has fewer requests in flight; where weights
//                    differ, by weight / (requests in flight + 1)
//   RANDOM           at random by weight
//   consistentHash   by the request's key on a ring or Maglev table; without a key at random
//   PASSTHROUGH      as LEAST_REQUEST: the address that a client connected to is the listener's own, and there is
//                    no other original destination to pass a request on to
// Ejected endpoints are passed over, near groups are used first (priority_load.hpp), endpoints that became ready
// lately get less (warmup.hpp; ROUND_ROBIN and LEAST_REQUEST).
// Called by the proxy once an attempt. Thread: worker (one object a worker). Invariants: an index it returns is below
// the number of endpoints.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "agent/balance/endpoint_group.hpp"

namespace sluice::balance {

// All that is pointed to outlives the picker.
struct PickerOptions {
  std::span<const model::Endpoint> endpoints{};
  const model::LoadBalancer* policy = nullptr;
  // As `endpoints`. Empty: nothing is known of them, they are well and idle.
  std::span<EndpointState* const> states{};
  const ClusterChanges* changes = nullptr;  // null: `ejected` does not change
  std::uint32_t min_health_percent = 0;     // of outlier detection
  HashTablesPtr tables{};                   // with consistentHash; null: at random
  // The worker's number: the first picks of several workers do not all land on one endpoint.
  std::size_t worker = 0;
  std::uint64_t seed = 0;  // of the dice
};

class EndpointPicker {
 public:
  EndpointPicker() = default;
  EndpointPicker(const PickerOptions& options, TimePoint now);

  // Index of the endpoint; nullopt when there is none or all are ejected and that is no panic. Excluded ones are only
  // avoided: where nothing else is left, one of them is returned.
  [[nodiscard]] std::optional<std::size_t> pick(const PickRequest& request);
  // Whether a pick may return that endpoint: it is not kept out, and its group gets traffic.
  [[nodiscard]] bool uses(std::size_t index, TimePoint now);

 private:
  void refresh(TimePoint now);
  void refresh_if_changed(TimePoint now);
  [[nodiscard]] std::size_t choose_group(const PickRequest& request);
  [[nodiscard]] std::size_t untried_group(const PickRequest& request, std::size_t chosen) const;
  [[nodiscard]] static bool excludes(const PickRequest& request, std::size_t index);

  std::vector<EndpointGroup> groups_;
  HashTablesPtr tables_;
  const ClusterChanges* changes_ = nullptr;
  std::uint32_t seen_changes_ = 0;
  std::uint32_t min_health_percent_ = 0;
  std::size_t worker_ = 0;
  Dice dice_;
  std::vector<std::uint64_t> loads_;  // percent, by group
  std::size_t only_group_ = 0;        // the one that takes everything; groups_.size(): several do
  WeightedPick group_turns_;
};

}  // namespace sluice::balance
