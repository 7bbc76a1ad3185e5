// SPDX-License-Identifier: Apache-2.0
// Hashes that other processes and later agents must compute alike. Thread: any. Pure.
#pragma once
#include <cstdint>
#include <string_view>

namespace sluice {

// 64-bit FNV-1a (the constants of its authors for 64 bits). `seed`: the hash of what stands before.
[[nodiscard]] constexpr std::uint64_t fnv1a(std::string_view text,
                                            std::uint64_t seed = 0xcbf29ce484222325U) {
  for (const char c : text) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return seed;
}

// lb_slot::cluster of a model::Cluster::key.
[[nodiscard]] constexpr std::uint64_t cluster_hash(std::string_view key) { return fnv1a(key); }

}  // namespace sluice
