// SPDX-License-Identifier: Apache-2.0
// A key belongs to an endpoint; only keys of an endpoint that comes or goes may move.
#include "agent/balance/hash_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "agent/balance/hash.hpp"
#include "tests/unit/balance/endpoints.hpp"

namespace sluice::balance {
namespace {

using Table = model::ConsistentHash::Table;

constexpr std::uint64_t kKeys = 20'000;

class HashTableTest : public testing::TestWithParam<Table> {
 protected:
  [[nodiscard]] static model::ConsistentHash policy(std::uint64_t ring = 4096,
                                                    std::uint64_t maglev = 4099) {
    return {.key = {}, .table = GetParam(), .minimum_ring_size = ring, .table_size = maglev};
  }
  // The port of the endpoint that each key leads to.
  static std::vector<std::uint16_t> owners(const std::vector<model::Endpoint>& endpoints,
                                           const model::ConsistentHash& policy) {
    const HashTables tables(endpoints, policy);
    std::vector<std::uint16_t> out;
    for (std::uint64_t key = 0; key < kKeys; ++key) {
      const auto owner =
          tables.group(0).find(hash64(std::to_string(key)), [](auto) { return true; });
      out.push_back(endpoints[owner.value()].address.port);
    }
    return out;
  }
};

INSTANTIATE_TEST_SUITE_P(, HashTableTest, testing::Values(Table::kRing, Table::kMaglev),
                         [](const auto& param) {
                           return param.param == Table::kRing ? "Ring" : "Maglev";
                         });

TEST_P(HashTableTest, KeysFollowTheWeights) {
  const auto endpoints = weighted({1, 2, 0, 5});
  std::vector<int> counts(4);
  for (const auto port : owners(endpoints, policy(16'384, 65'537))) ++counts[port - 8000U];
  EXPECT_NEAR(counts[0], kKeys / 8, kKeys / 60);
  EXPECT_NEAR(counts[1], kKeys / 4, kKeys / 60);
  EXPECT_EQ(counts[2], 0);
  EXPECT_NEAR(counts[3], kKeys * 5 / 8, kKeys / 60);
}

TEST_P(HashTableTest, AnEndpointThatLeavesMovesOnlyItsOwnKeysWithMaglevMostly) {
  const auto before = owners(equal(10), policy());
  auto fewer = equal(10);
  fewer.erase(fewer.begin() + 4);
  const auto after = owners(fewer, policy());
  std::size_t moved = 0;
  for (std::size_t key = 0; key < kKeys; ++key) {
    if (before[key] != 8004 && before[key] != after[key]) ++moved;
  }
  // A ring moves none; a Maglev table of 400 slots an endpoint a few (NSDI 2016, figure 12).
  EXPECT_LE(moved, GetParam() == Table::kRing ? 0 : kKeys / 25);
}

TEST_P(HashTableTest, AnUnusableEndpointPassesItsKeysToAllOthersAndMovesNoOther) {
  const auto endpoints = equal(5);
  const HashTables tables(endpoints, policy());
  std::vector<int> heirs(5);
  for (std::uint64_t key = 0; key < kKeys; ++key) {
    const auto hash = hash64(std::to_string(key));
    const auto owner = tables.group(0).find(hash, [](auto) { return true; }).value();
    const auto now = tables.group(0).find(hash, [](auto index) { return index != 2; }).value();
    if (owner == 2) {
      ++heirs[now];
    } else {
      ASSERT_EQ(owner, now);
    }
  }
  EXPECT_EQ(heirs[2], 0);
  for (const std::size_t heir : {0U, 1U, 3U, 4U}) EXPECT_NEAR(heirs[heir], kKeys / 20, kKeys / 60);
  EXPECT_FALSE(tables.group(0).find(1, [](auto) { return false; }));
}

TEST_P(HashTableTest, AllNodesAgree) {
  // Pinned: agents of different versions must send a key to the same endpoint during an upgrade.
  const auto first = owners(equal(7), policy());
  const std::vector<std::uint16_t> pinned(first.begin(), first.begin() + 8);
  const std::vector<std::uint16_t> ring{8000, 8002, 8003, 8003, 8005, 8005, 8000, 8001};
  const std::vector<std::uint16_t> maglev{8002, 8001, 8002, 8006, 8005, 8001, 8000, 8003};
  EXPECT_EQ(pinned, GetParam() == Table::kRing ? ring : maglev);
}

TEST_P(HashTableTest, SizesAreBoundedAndNeverTooSmall) {
  const HashTables huge(weighted({1, 4'000'000'000}), policy(UINT64_MAX, 10'000'019));
  EXPECT_LE(huge.group(0).size(), kMaxMaglevSize);
  if (GetParam() == Table::kRing) {
    EXPECT_LE(huge.group(0).size(), kMaxRingSize + 2);
  }
  const HashTables tiny(equal(100), policy(1, 1));
  std::vector<bool> seen(100);
  for (std::size_t slot = 0; slot < tiny.group(0).size(); ++slot)
    seen[tiny.group(0).at(slot)] = true;
  EXPECT_EQ(std::ranges::count(seen, true), 100);
}

TEST_P(HashTableTest, OneTableForEachPriority) {
  auto endpoints = equal(4);
  endpoints[0].priority = 7;
  const HashTables tables(endpoints, policy());
  ASSERT_EQ(tables.groups(), 2U);
  EXPECT_EQ(tables.group(1).find(99, [](auto) { return true; }), 0U);
  EXPECT_NE(tables.group(0).find(99, [](auto) { return true; }), 0U);
}

TEST(Hash, IsTheOneOfTheSpecification) {
  EXPECT_EQ(hash64(""), 0xef46db3751d8e999U);
  EXPECT_EQ(hash64("a"), 0xd24ec4f1a98c6e5bU);
  EXPECT_EQ(hash64("abc"), 0x44bc2cf5ad770999U);
}

}  // namespace
}  // namespace sluice::balance
