// SPDX-License-Identifier: Apache-2.0
// WeightedPick: exact shares instead of dice. After any number of picks each choice has been picked within 1 of its
// share; weight 0 is never picked. Deterministic, integers only.
// Thread: worker (one object a worker). Source: R. Tijdeman, "The chairman assignment problem", 1980: picking, among the
// choices whose credit is large enough, the one whose next pick is due first keeps every deviation below 1.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sluice::balance {

class WeightedPick {
 public:
  WeightedPick() = default;
  explicit WeightedPick(std::span<const std::uint64_t> weights);

  // Index of the choice; nullopt when all weights are 0.
  [[nodiscard]] std::optional<std::size_t> pick();

 private:
  struct Choice {
    std::uint64_t weight = 0;
    std::int64_t credit = 0;  // share so far minus picks so far, in units of the total weight
  };
  std::vector<Choice> choices_;
  std::uint64_t total_ = 0;
  std::uint32_t active_ = 0;  // choices with weight > 0
};

}  // namespace sluice::balance
