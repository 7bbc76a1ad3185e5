// SPDX-License-Identifier: Apache-2.0
// EndpointGroup: picks among the usable endpoints of one priority group by the cluster's policy.
// Called by EndpointPicker. Thread: worker. Invariants: an index it returns is one of its members; it returns a skipped
// or excluded one only where there is no other; no allocation in pick().
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "agent/balance/due_queue.hpp"
#include "agent/balance/endpoint_pick.hpp"
#include "agent/balance/endpoint_state.hpp"
#include "agent/balance/hash.hpp"
#include "agent/balance/hash_table.hpp"
#include "agent/model/endpoint.hpp"

namespace sluice::balance {

// What one pick is about.
struct PickRequest {
  std::optional<std::uint64_t> hash{};        // of the request's key, for consistent hashing
  std::span<const std::uint32_t> excluded{};  // endpoints that were tried already
  bool other_localities = false;              // groups without any of these are preferred
  TimePoint now{};
};

class EndpointGroup {
 public:
  // All arguments outlive the group; `table` is null but for consistent hashing.
  EndpointGroup(std::span<const model::Endpoint> endpoints, std::span<EndpointState* const> states,
                const model::LoadBalancer& policy, std::vector<std::uint32_t> members,
                const HashTable* table)
      : endpoints_(endpoints),
        states_(states),
        policy_(&policy),
        members_(std::move(members)),
        table_(table) {}

  [[nodiscard]] std::span<const std::uint32_t> members() const { return members_; }
  [[nodiscard]] std::size_t healthy() const;
  // Picks from now on among those that are not ejected, or among all. `start` turns the order of the first picks.
  void use(bool all, std::size_t start, TimePoint now);
  [[nodiscard]] bool empty() const { return usable_.empty(); }
  [[nodiscard]] bool uses(std::size_t index) const { return is_usable_[index]; }
  [[nodiscard]] std::optional<std::size_t> pick(const PickRequest& request, Dice& dice);

 private:
  enum class Way : std::uint8_t { kTurns, kDue, kTwoChoices, kDice };

  [[nodiscard]] bool ejected(std::uint32_t index) const {
    return !states_.empty() && states_[index]->ejected.load(std::memory_order_relaxed);
  }
  void choose_way(std::size_t start, TimePoint now);
  [[nodiscard]] double cost(std::size_t position, TimePoint now) const;
  std::size_t two_choices(const PickRequest& request, Dice& dice);
  std::size_t weighted_dice(const PickRequest& request, Dice& dice);
  std::size_t turns(const PickRequest& request);
  [[nodiscard]] bool excluded(const PickRequest& request, std::size_t position) const;
  [[nodiscard]] std::size_t next_allowed(const PickRequest& request, std::size_t position) const;

  std::span<const model::Endpoint> endpoints_;
  std::span<EndpointState* const> states_;
  const model::LoadBalancer* policy_;
  std::vector<std::uint32_t> members_;
  const HashTable* table_;

  // Positions below count in usable_, whose weights are those of weights_.
  std::vector<std::uint32_t> usable_;
  std::vector<bool> is_usable_;  // by endpoint
  std::vector<std::uint64_t> weights_;
  double mean_weight_ = 1;
  Way way_ = Way::kTurns;
  TimePoint warm_at_ = TimePoint::max();  // while something warms up: when all will be warm
  std::size_t start_ = 0;
  EndpointPick turns_;
  DueQueue due_;
  std::vector<std::uint64_t> ends_;  // cumulative weights; empty when all are equal
};

}  // namespace sluice::balance
