// SPDX-License-Identifier: Apache-2.0
#include "tests/support/body_pattern.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

namespace sluice::support {
namespace {

// A prime: no power-of-two piece size divides it, so a piece that arrives at another place never
// looks right.
constexpr std::uint64_t kPeriod = 1048573;

const std::vector<char>& tape() {
  static const std::vector<char> bytes = [] {
    std::vector<char> out(kPeriod);
    std::uint64_t state = 42;
    for (char& byte : out) {
      state = state * 6364136223846793005U + 1442695040888963407U;  // Knuth's MMIX generator
      byte = static_cast<char>(state >> 56);
    }
    return out;
  }();
  return bytes;
}

}  // namespace

std::string_view pattern_piece(std::uint64_t seed, std::uint64_t offset, std::uint64_t limit) {
  const std::uint64_t at = (seed % kPeriod * 7919 + offset) % kPeriod;
  return {tape().data() + at, std::min(limit, kPeriod - at)};
}

std::uint64_t pattern_hash(std::uint64_t seed, std::uint64_t length) {
  // A benchmark asks for the same body again and again: hashing 1 MiB each time (0.25 ms) would be
  // all it measures.
  struct Known {
    std::uint64_t seed = 0, length = 0, hash = 0;
  };
  thread_local Known known;
  if (length != 0 && known.seed == seed && known.length == length) return known.hash;
  BodyHash hash;
  while (hash.length() < length) {
    hash.update(pattern_piece(seed, hash.length(), length - hash.length()));
  }
  known = {seed, length, hash.value()};
  return known.hash;
}

bool pattern_matches(std::uint64_t seed, std::uint64_t offset, std::string_view data) {
  while (!data.empty()) {
    const std::string_view want = pattern_piece(seed, offset, data.size());
    if (data.substr(0, want.size()) != want) return false;
    data.remove_prefix(want.size());
    offset += want.size();
  }
  return true;
}

std::string to_hex(std::uint64_t value) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(value));
  return text.data();
}

}  // namespace sluice::support
