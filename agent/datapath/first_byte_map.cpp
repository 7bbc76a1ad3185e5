// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/first_byte_map.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <atomic>
#include <cerrno>
#include <vector>

#include "bpf/abi/limits.h"

namespace sluice::datapath {
namespace {

// A value of a per-CPU map, as the kernel wants and gives it.
std::vector<lb_first_byte> per_cpu() {
  const int cpus = libbpf_num_possible_cpus();
  return std::vector<lb_first_byte>(cpus > 0 ? static_cast<std::size_t>(cpus) : 0U);
}

// Only the agent makes and removes entries, so that a walk sees each of them once.
std::vector<std::uint64_t> keys_of(int map) {
  std::vector<std::uint64_t> keys;
  keys.reserve(LB_MAX_CLUSTERS);  // `previous` points into it
  std::uint64_t key = 0;
  const std::uint64_t* previous = nullptr;
  while (keys.size() < LB_MAX_CLUSTERS && bpf_map_get_next_key(map, previous, &key) == 0) {
    keys.push_back(key);
    previous = &keys.back();
  }
  return keys;
}

std::set<std::uint64_t> clusters_in(std::span<lb_slot> slots) {
  std::set<std::uint64_t> found;
  for (lb_slot& slot : slots) {
    const std::uint32_t state = std::atomic_ref(slot.state).load(std::memory_order_acquire);
    if (state != LB_SLOT_FREE)
      found.insert(std::atomic_ref(slot.cluster).load(std::memory_order_relaxed));
  }
  return found;
}

}  // namespace

std::size_t sync_first_bytes(int map, const std::set<std::uint64_t>& wanted,
                             std::span<lb_slot> slots) {
  std::vector<std::uint64_t> unwanted;
  std::set<std::uint64_t> missing = wanted;
  for (const std::uint64_t key : keys_of(map)) {
    if (missing.erase(key) == 0) unwanted.push_back(key);
  }
  if (!unwanted.empty()) {
    const std::set<std::uint64_t> in_use = clusters_in(slots);
    for (const std::uint64_t key : unwanted) {
      if (!in_use.contains(key)) (void)bpf_map_delete_elem(map, &key);
    }
  }
  const std::vector<lb_first_byte> nothing = per_cpu();
  std::size_t without_room = 0;
  for (const std::uint64_t key : missing) {
    const int result = bpf_map_update_elem(map, &key, nothing.data(), BPF_NOEXIST);
    if (result < 0 && result != -EEXIST) ++without_room;
  }
  return without_room;
}

std::map<std::uint64_t, lb_first_byte> read_first_bytes(int map) {
  std::map<std::uint64_t, lb_first_byte> all;
  std::vector<lb_first_byte> values = per_cpu();
  for (const std::uint64_t key : keys_of(map)) {
    if (bpf_map_lookup_elem(map, &key, values.data()) != 0) continue;
    lb_first_byte& sum = all[key];
    for (const lb_first_byte& value : values) {
      for (std::size_t i = 0; i < LB_FIRST_BYTE_BUCKETS; ++i) sum.counts[i] += value.counts[i];
      sum.sum_ns += value.sum_ns;
    }
  }
  return all;
}

}  // namespace sluice::datapath
