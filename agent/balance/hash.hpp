// SPDX-License-Identifier: Apache-2.0
// The hash that consistent hashing rests on: XXH64, the same on every node and in every version, so that all agents
// send a key to the same endpoint. Not for secrets. Thread: any.
#pragma once
#include <cstdint>
#include <string_view>

namespace sluice::balance {

[[nodiscard]] std::uint64_t hash64(std::string_view key, std::uint64_t seed = 0);

// A second, independent value made of one hash (the finaliser of SplitMix64, a bijection): the subset and the endpoint
// that a key leads to must not depend on each other.
[[nodiscard]] constexpr std::uint64_t remix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

// `value` as a point on [0, 1), scaled to [0, range).
[[nodiscard]] constexpr std::uint64_t scale_to(std::uint64_t value, std::uint64_t range) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(value) * range) >> 64U);
}

// Dice for picking: SplitMix64. One object a picker.
class Dice {
 public:
  explicit Dice(std::uint64_t seed = 0) : state_(seed) {}
  std::uint64_t roll() {
    const std::uint64_t out = remix(state_);
    state_ += 0x9e3779b97f4a7c15U;
    return out;
  }
  // Below `range`, which is not 0.
  std::uint64_t below(std::uint64_t range) { return scale_to(roll(), range); }

 private:
  std::uint64_t state_;
};

}  // namespace sluice::balance
