// SPDX-License-Identifier: Apache-2.0
// StickyPick: which subset a user belongs to. The user's hash is a point on [0, 1); the subsets lie on it one after the
// other, each as long as its share. So a change of weights moves only the points that the boundaries pass over:
// raising a canary from 10 to 25 % moves users to it and nobody away from it, and lowering it again moves the same ones
// back.
// Called by the proxy for weighted routes with a consistentHash. Thread: any (const).
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sluice::balance {

class StickyPick {
 public:
  StickyPick() = default;
  // The order counts: keep it the same from one generation to the next.
  explicit StickyPick(std::span<const std::uint64_t> weights);

  // Index of the choice; nullopt when all weights are 0. `hash` is the one that also picks the endpoint; what is used
  // of it here is independent of that.
  [[nodiscard]] std::optional<std::size_t> pick(std::uint64_t hash) const;

 private:
  std::vector<std::uint64_t> ends_;  // cumulative; the last one is the total
};

}  // namespace sluice::balance
