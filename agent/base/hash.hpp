// SPDX-License-Identifier: Apache-2.0
// Hashes that other processes and later agents must compute alike. Thread: any. Pure.
#pragma once
#include <cstdint>
#include <string_view>

namespace sluice {

// lb_slot::cluster of a model::Cluster::key: 64-bit FNV-1a, stable across restarts.
[[nodiscard]] constexpr std::uint64_t cluster_hash(std::string_view key) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

}  // namespace sluice
