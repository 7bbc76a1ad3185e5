// SPDX-License-Identifier: Apache-2.0
// EndpointPick: round robin over the endpoints of one subset, in proportion to their weights.
// Called by the proxy after WeightedPick chose the subset. Thread: worker (one object a worker).
// Invariants: an index it returns is below the number of endpoints it was made with.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "agent/balance/weighted_pick.hpp"
#include "agent/model/endpoint.hpp"

namespace sluice::balance {

class EndpointPick {
 public:
  EndpointPick() = default;
  // An endpoint of weight 0 gets nothing, unless all have 0: then they share equally. `start` turns
  // the order, so that the first picks of several workers (pass the worker's number) do not all
  // land on one endpoint.
  explicit EndpointPick(std::span<const model::Endpoint> endpoints, std::size_t start = 0);
  explicit EndpointPick(std::span<const std::uint64_t> weights, std::size_t start = 0);

  // Index of the endpoint; nullopt when there is none. One step when all weights are equal, else
  // one pass over them.
  [[nodiscard]] std::optional<std::size_t> pick();

 private:
  std::size_t count_ = 0;
  std::size_t next_ = 0;
  std::size_t turn_ = 0;                  // weighted_ counts from this endpoint
  std::optional<WeightedPick> weighted_;  // only when weights differ
};

}  // namespace sluice::balance
