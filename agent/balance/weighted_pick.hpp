// SPDX-License-Identifier: Apache-2.0
// WeightedPick: exact shares instead of dice. After any number of picks each choice has been picked
// within 1 of its share; weight 0 is never picked; after as many picks as the weights sum to
// (divided by their greatest common divisor) the shares are met exactly. Deterministic, integers
// only, no allocation after construction. Called by the proxy, once a request or promotion.
// Thread: worker (one object a worker).
// Source: R. Tijdeman, "The chairman assignment problem", 1980: picking, among the choices whose
// credit is large enough, the one whose next pick is due first keeps every deviation below
// 1 - 1/(2n - 2). Classic smooth weighted round robin does not: its deviation grows with n.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sluice::balance {

class WeightedPick {
 public:
  WeightedPick() = default;
  // Weights are used exactly while they sum to less than 2^56 (72 choices of 10^9 units of 10^-6)
  // after division by their greatest common divisor; beyond that they are halved until they do.
  explicit WeightedPick(std::span<const std::uint64_t> weights);

  // Index of the choice; nullopt when all weights are 0. Costs one pass over the choices.
  [[nodiscard]] std::optional<std::size_t> pick();

  // That choice got `count` without having been picked for them, so the next picks make up for it. Those of a choice of
  // weight 0 are in nobody's share. Saturates at most() ahead or behind.
  void credit(std::size_t index, std::uint64_t count);
  // How many more than its share it got; below 0: so many are missing.
  [[nodiscard]] double ahead(std::size_t index) const;
  // Forgets, in proportion, what lies more than `count` (and one) ahead or behind: what picks still make up for is
  // bounded.
  void forget_beyond(std::uint64_t count);
  [[nodiscard]] std::uint64_t most() const { return most_; }

 private:
  struct Choice {
    std::uint64_t weight = 0;
    // Share so far minus picks so far, in units of the total weight; |credit| < total, but for what credit() left.
    std::int64_t credit = 0;
  };
  std::vector<Choice> choices_;
  std::uint64_t total_ = 0;
  std::uint64_t most_ = 0;    // what pick() can compute with; a million unless weights are huge
  std::uint32_t active_ = 0;  // choices with weight > 0
};

}  // namespace sluice::balance
