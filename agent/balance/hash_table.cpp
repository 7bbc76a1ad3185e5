// SPDX-License-Identifier: Apache-2.0
#include "agent/balance/hash_table.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <string_view>

#include "agent/balance/hash.hpp"

namespace sluice::balance {
namespace {

constexpr std::uint64_t kOffsetSeed = 0x6f666673;
constexpr std::uint64_t kSkipSeed = 0x736b6970;

// An endpoint is its address: names and weights may change without moving what stays.
std::uint64_t hash_of(const model::Endpoint& endpoint, std::uint64_t seed) {
  std::array<char, 18> key{};
  std::ranges::copy(endpoint.address.ip.bytes, key.begin());
  key[16] = static_cast<char>(endpoint.address.port >> 8U);
  key[17] = static_cast<char>(endpoint.address.port & 0xffU);
  return hash64({key.data(), key.size()}, seed);
}

bool is_prime(std::uint64_t n) {
  if (n < 4) return n > 1;
  if (n % 2 == 0) return false;
  for (std::uint64_t d = 3; d * d <= n; d += 2) {
    if (n % d == 0) return false;
  }
  return true;
}

// Steps through all slots need a prime size; larger than the endpoints, so that each gets some.
std::uint64_t maglev_size(std::uint64_t asked, std::size_t endpoints) {
  std::uint64_t size = std::clamp<std::uint64_t>(asked, endpoints, kMaxMaglevSize);
  while (!is_prime(size)) ++size;
  return size;
}

// The order in which an endpoint wants the slots of the table, and when it may choose the next one.
struct Wish {
  double round;  // an endpoint of the largest weight chooses once a round
  std::uint32_t member;
  std::uint64_t chosen;
  std::uint64_t next;
  std::uint64_t skip;
  double weight;  // relative to the largest

  // For std::push_heap: the earliest round first, within one in the order of the endpoints.
  bool operator<(const Wish& other) const {
    return round != other.round ? round > other.round : member > other.member;
  }
};

}  // namespace

std::vector<std::vector<std::uint32_t>> priority_groups(
    std::span<const model::Endpoint> endpoints) {
  std::map<std::uint32_t, std::vector<std::uint32_t>> by_priority;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    by_priority[endpoints[i].priority].push_back(static_cast<std::uint32_t>(i));
  }
  std::vector<std::vector<std::uint32_t>> out;
  for (auto& [priority, members] : by_priority) out.push_back(std::move(members));
  return out;
}

std::size_t HashTable::slot_of(std::uint64_t hash) const {
  if (points_.empty()) return owners_.empty() ? 0 : hash % owners_.size();
  const auto found = std::ranges::lower_bound(points_, hash);
  return found == points_.end() ? 0 : static_cast<std::size_t>(found - points_.begin());
}

void HashTable::build_ring(std::span<const model::Endpoint> endpoints,
                           const std::vector<std::uint32_t>& members, std::uint64_t minimum) {
  double total = 0;
  double smallest = endpoints[members.front()].weight;
  for (const auto index : members) {
    total += endpoints[index].weight;
    smallest = std::min<double>(smallest, endpoints[index].weight);
  }
  // Points of the lightest endpoint: enough for two endpoints to reach the minimum, whatever their number is, so that
  // the others keep theirs while endpoints come and go. Only the bound makes them fewer.
  const double parts = total / smallest;
  const std::uint64_t half = std::bit_ceil(std::clamp<std::uint64_t>(minimum, 2, kMaxRingSize)) / 2;
  auto each = static_cast<double>(half);
  while (each * parts > static_cast<double>(kMaxRingSize)) each /= 2;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> points;
  points.reserve(static_cast<std::size_t>(each * parts) + members.size());
  for (const auto index : members) {
    const auto count = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(std::llround(each * endpoints[index].weight / smallest)));
    for (std::uint64_t n = 0; n < count; ++n) {
      points.emplace_back(hash_of(endpoints[index], n), index);
    }
  }
  std::ranges::sort(points);
  points_.reserve(points.size());
  owners_.reserve(points.size());
  for (const auto& [point, owner] : points) {
    points_.push_back(point);
    owners_.push_back(owner);
  }
}

// D. Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, 3.4; weights by taking
// turns in proportion to them.
void HashTable::build_maglev(std::span<const model::Endpoint> endpoints,
                             const std::vector<std::uint32_t>& members, std::uint64_t asked) {
  const std::uint64_t size = maglev_size(asked, members.size());
  std::uint32_t largest = 0;
  for (const auto index : members) largest = std::max(largest, endpoints[index].weight);
  std::vector<Wish> wishes;
  wishes.reserve(members.size());
  for (const auto index : members) {
    const model::Endpoint& endpoint = endpoints[index];
    wishes.push_back({.round = 1,
                      .member = index,
                      .chosen = 0,
                      .next = hash_of(endpoint, kOffsetSeed) % size,
                      .skip = size == 2 ? 1 : hash_of(endpoint, kSkipSeed) % (size - 1) + 1,
                      .weight = static_cast<double>(endpoint.weight) / largest});
  }
  std::make_heap(wishes.begin(), wishes.end());
  constexpr std::uint32_t kFree = UINT32_MAX;
  owners_.assign(size, kFree);
  for (std::uint64_t filled = 0; filled < size; ++filled) {
    std::pop_heap(wishes.begin(), wishes.end());
    Wish& wish = wishes.back();
    while (owners_[wish.next] != kFree) wish.next = (wish.next + wish.skip) % size;
    owners_[wish.next] = wish.member;
    ++wish.chosen;
    wish.round =
        std::max(wish.round + 1, std::ceil(static_cast<double>(wish.chosen) / wish.weight));
    std::push_heap(wishes.begin(), wishes.end());
  }
}

HashTables::HashTables(std::span<const model::Endpoint> endpoints,
                       const model::ConsistentHash& policy) {
  std::vector<model::Endpoint> equal;  // used when all of a group have weight 0
  for (std::vector<std::uint32_t>& members : priority_groups(endpoints)) {
    std::vector<std::uint32_t> weighty;
    std::ranges::copy_if(members, std::back_inserter(weighty),
                         [&](auto index) { return endpoints[index].weight > 0; });
    std::span<const model::Endpoint> source = endpoints;
    if (weighty.empty()) {
      equal.assign(endpoints.begin(), endpoints.end());
      for (auto& endpoint : equal) endpoint.weight = 1;
      source = equal;
      weighty = members;
    }
    HashTable& table = groups_.emplace_back();
    if (policy.table == model::ConsistentHash::Table::kMaglev) {
      table.build_maglev(source, weighty, policy.table_size);
    } else {
      table.build_ring(source, weighty, policy.minimum_ring_size);
    }
  }
}

}  // namespace sluice::balance
