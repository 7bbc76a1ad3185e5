// SPDX-License-Identifier: Apache-2.0
#include "agent/balance/endpoint_picker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/balance/endpoints.hpp"

namespace sluice::balance {
namespace {

using Kind = model::LoadBalancer::Kind;
using testing::Each;
using testing::ElementsAre;

constexpr Kind kAllKinds[] = {Kind::kRoundRobin, Kind::kLeastRequest, Kind::kRandom,
                              Kind::kPassthrough, Kind::kConsistentHash};

TEST(EndpointPicker, NoneGivesNone) {
  for (const Kind kind : kAllKinds) {
    const Cluster cluster({}, kind);
    auto picker = cluster.picker();
    EXPECT_FALSE(picker.pick({}));
  }
  EXPECT_FALSE(EndpointPicker().pick({}));
}

TEST(EndpointPicker, RoundRobinTakesTurnsFromWhereTheWorkerStarts) {
  const Cluster cluster(equal(3), Kind::kRoundRobin);
  for (std::size_t worker = 0; worker < 3; ++worker) {
    auto picker = cluster.picker(worker);
    for (std::size_t i = 0; i < 30; ++i) EXPECT_EQ(picker.pick({}), (worker + i) % 3);
  }
}

TEST(EndpointPicker, RoundRobinIsWithinOneOfTheWeightsAtEveryMoment) {
  const Cluster cluster(weighted({1, 3, 0, 96}), Kind::kRoundRobin);
  auto picker = cluster.picker();
  std::vector<int> picked(4);
  for (int n = 1; n <= 1000; ++n) {
    ++picked[picker.pick({}).value()];
    for (std::size_t i = 0; i < 4; ++i) {
      ASSERT_LT(std::abs(picked[i] * 100 - n * static_cast<int>(cluster.endpoints[i].weight)), 100);
    }
  }
}

TEST(EndpointPicker, LeastRequestAvoidsTheBusyOne) {
  const Cluster cluster(equal(4), Kind::kLeastRequest);
  cluster.states[2]->in_flight = 50;
  auto picker = cluster.picker();
  const auto counts = cluster.counts(picker, 3000);
  EXPECT_EQ(counts[2], 0);  // whoever it is compared with has less
  for (const std::size_t other : {0U, 1U, 3U}) EXPECT_NEAR(counts[other], 1000, 120);
}

TEST(EndpointPicker, LeastRequestTakesTurnsWhereLoadIsEqual) {
  const Cluster cluster(equal(4), Kind::kLeastRequest);
  auto picker = cluster.picker(1);
  for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(picker.pick({}), (i + 1) % 4);
}

TEST(EndpointPicker, LeastRequestLooksAtTwoNotAtAll) {
  // Of ten, the only idle one is seen by a fifth of the picks: workers that all know the same do not all pick it.
  const Cluster cluster(equal(10), Kind::kLeastRequest);
  for (auto* state : cluster.states) state->in_flight = 5;
  cluster.states[7]->in_flight = 0;
  auto picker = cluster.picker();
  EXPECT_NEAR(cluster.counts(picker, 10'000)[7], 2000, 200);
}

TEST(EndpointPicker, LeastRequestWithWeightsSharesByWeightAndLoad) {
  const Cluster cluster(weighted({1, 2, 2}), Kind::kLeastRequest);
  auto picker = cluster.picker();
  EXPECT_THAT(cluster.counts(picker, 500), ElementsAre(100, 200, 200));
  cluster.states[1]->in_flight = 3;  // its weight counts a quarter
  auto loaded = cluster.picker();
  const auto counts = cluster.counts(loaded, 700);
  EXPECT_NEAR(counts[0], 200, 2);
  EXPECT_NEAR(counts[1], 100, 2);
  EXPECT_NEAR(counts[2], 400, 2);
}

TEST(EndpointPicker, RandomFollowsTheWeights) {
  const Cluster cluster(weighted({1, 0, 3}), Kind::kRandom);
  auto picker = cluster.picker();
  const auto counts = cluster.counts(picker, 8000);
  EXPECT_NEAR(counts[0], 2000, 150);
  EXPECT_EQ(counts[1], 0);
  EXPECT_NEAR(counts[2], 6000, 150);
}

TEST(EndpointPicker, WeightZeroForAllMeansEqual) {
  for (const Kind kind : kAllKinds) {
    const Cluster cluster(weighted({0, 0}), kind);
    auto picker = cluster.picker();
    EXPECT_THAT(cluster.counts(picker, 1000),
                Each(testing::AllOf(testing::Ge(420), testing::Le(580))));
  }
}

TEST(EndpointPicker, AnEjectedEndpointGetsNothingUntilItIsBack) {
  for (const Kind kind : kAllKinds) {
    Cluster cluster(equal(3), kind);
    if (kind == Kind::kConsistentHash) cluster.use_table({});
    auto picker = cluster.picker();
    cluster.eject(1);
    for (std::uint64_t i = 0; i < 300; ++i) {
      EXPECT_NE(picker.pick({.hash = hash64(std::to_string(i))}).value(), 1U);
    }
    cluster.eject(1, false);
    int back = 0;
    for (std::uint64_t i = 0; i < 300; ++i) {
      if (picker.pick({.hash = hash64(std::to_string(i))}) == 1U) ++back;
    }
    EXPECT_GT(back, 50);
  }
}

TEST(EndpointPicker, WithAllEjectedOnlyPanicServes) {
  Cluster cluster(equal(2), Kind::kRoundRobin);
  cluster.eject(0);
  cluster.eject(1);
  auto strict = cluster.picker();
  EXPECT_FALSE(strict.pick({}));
  cluster.min_health_percent = 50;
  auto panic = cluster.picker();
  EXPECT_THAT(cluster.counts(panic, 10), ElementsAre(5, 5));
}

TEST(EndpointPicker, BelowMinHealthAllAreUsedAboveItOnlyTheHealthy) {
  Cluster cluster(equal(4), Kind::kRoundRobin);
  cluster.min_health_percent = 50;
  auto picker = cluster.picker();
  cluster.eject(0);
  cluster.eject(1);
  EXPECT_THAT(cluster.counts(picker, 100), ElementsAre(0, 0, 50, 50));
  cluster.eject(2);
  EXPECT_THAT(cluster.counts(picker, 100), ElementsAre(25, 25, 25, 25));
}

TEST(EndpointPicker, ExcludedEndpointsAreAvoidedWhereThereAreOthers) {
  for (const Kind kind : kAllKinds) {
    for (auto endpoints : {equal(3), weighted({1, 5, 2})}) {
      Cluster cluster(std::move(endpoints), kind);
      if (kind == Kind::kConsistentHash) cluster.use_table({});
      auto picker = cluster.picker();
      const std::vector<std::uint32_t> tried{1, 2};
      const std::vector<std::uint32_t> all{0, 1, 2};
      for (std::uint64_t i = 0; i < 100; ++i) {
        EXPECT_EQ(picker.pick({.hash = remix(i), .excluded = tried}), 0U);
        EXPECT_TRUE(picker.pick({.hash = remix(i), .excluded = all}));
      }
    }
  }
}

TEST(EndpointPicker, TheNextPriorityServesWhatTheFirstCannot) {
  auto endpoints = equal(4);
  endpoints[0].priority = endpoints[1].priority = 1;  // by address first, by priority second
  Cluster cluster(endpoints, Kind::kRoundRobin);
  auto picker = cluster.picker();
  EXPECT_THAT(cluster.counts(picker, 100), ElementsAre(0, 0, 50, 50));
  cluster.eject(3);  // half of the first group can take 70 %
  EXPECT_THAT(cluster.counts(picker, 100), ElementsAre(15, 15, 70, 0));
  cluster.eject(2);
  EXPECT_THAT(cluster.counts(picker, 100), ElementsAre(50, 50, 0, 0));
}

TEST(EndpointPicker, UsesThoseThatAPickMayReturn) {
  auto endpoints = equal(4);
  endpoints[0].priority = endpoints[1].priority = 1;
  Cluster cluster(endpoints, Kind::kRoundRobin);
  auto picker = cluster.picker();
  const auto used = [&] {
    std::vector<int> out;
    for (std::size_t i = 0; i < 4; ++i) out.push_back(picker.uses(i, cluster.now) ? 1 : 0);
    return out;
  };
  EXPECT_THAT(used(), ElementsAre(0, 0, 1, 1)) << "nothing is left to the second group";
  cluster.eject(3);
  EXPECT_THAT(used(), ElementsAre(1, 1, 1, 0));
  cluster.min_health_percent = 60;
  auto all = cluster.picker();
  for (std::size_t i = 0; i < 3; ++i) cluster.eject(i);
  EXPECT_TRUE(all.uses(3, cluster.now)) << "so many are ejected that all are used";
}

TEST(EndpointPicker, ARetryLeavesThePriorityWhoseEndpointsWereTried) {
  auto endpoints = equal(2);
  endpoints[1].priority = 1;
  const Cluster cluster(endpoints, Kind::kLeastRequest);
  auto picker = cluster.picker();
  const std::vector<std::uint32_t> tried{0};
  EXPECT_EQ(picker.pick({}), 0U);
  EXPECT_EQ(picker.pick({.excluded = tried}), 1U);
}

TEST(EndpointPicker, ARetryMayBeSentToLocalitiesThatWereNotTried) {
  auto endpoints = equal(5);
  endpoints[2].priority = endpoints[3].priority = 1;
  endpoints[4].priority = 2;
  for (const Kind kind : kAllKinds) {
    Cluster cluster(endpoints, kind);
    auto picker = cluster.picker();
    const std::vector<std::uint32_t> near{0};
    const std::vector<std::uint32_t> both{0, 2};
    const std::vector<std::uint32_t> all{0, 2, 4};
    EXPECT_EQ(picker.pick({.excluded = near}), 1U);  // the rest of its own locality first
    for (int i = 0; i < 10; ++i) {
      const auto second = picker.pick({.excluded = near, .other_localities = true});
      EXPECT_TRUE(second == 2U || second == 3U) << *second;
      EXPECT_EQ(picker.pick({.excluded = both, .other_localities = true}), 4U);
    }
    EXPECT_EQ(picker.pick({.excluded = all, .other_localities = true}), 1U);  // none is left
    cluster.eject(2);
    cluster.eject(3);
    EXPECT_EQ(picker.pick({.excluded = near, .other_localities = true}), 4U);
  }
}

TEST(EndpointPicker, AnEndpointThatWarmsUpGetsItsShareBitByBit) {
  for (const Kind kind : {Kind::kRoundRobin, Kind::kLeastRequest}) {
    Cluster cluster(equal(2), kind);
    cluster.policy.warmup =
        model::Warmup{.duration = Milliseconds(100'000), .minimum_percent = 10, .aggression = 1};
    const auto since = [](TimePoint at) { return at.time_since_epoch().count(); };
    cluster.states[1]->serving_since_ns = since(cluster.now);
    auto picker = cluster.picker();
    const auto at_start = cluster.counts(picker, 1100);
    EXPECT_NEAR(at_start[1], 100, 3);
    cluster.now += std::chrono::seconds(50);
    const auto half_way = cluster.counts(picker, 900);
    EXPECT_NEAR(half_way[1], 300, 12);
    cluster.now += std::chrono::seconds(51);
    const auto warm = cluster.counts(picker, 1000);
    EXPECT_NEAR(warm[1], 500, kind == Kind::kRoundRobin ? 1 : 60);
  }
}

TEST(EndpointPicker, AnEndpointOfUnknownAgeIsWarm) {
  Cluster cluster(equal(2), Kind::kRoundRobin);
  cluster.policy.warmup = model::Warmup{.duration = std::chrono::hours(24)};  // now: 1000 s
  cluster.states[1]->serving_since_ns = cluster.now.time_since_epoch().count();
  auto picker = cluster.picker();
  EXPECT_NEAR(cluster.counts(picker, 1100)[1], 100, 3);
}

// Whatever the cluster looks like: a pick is an endpoint that may be used, and one is found whenever there is one.
TEST(EndpointPicker, PicksOnlyWhatMayBePicked) {
  std::mt19937_64 random(4711);
  for (int round = 0; round < 600; ++round) {
    auto endpoints = equal(1 + random() % 12);
    for (auto& endpoint : endpoints) {
      endpoint.weight = static_cast<std::uint32_t>(random() % 4);
      endpoint.priority = static_cast<std::uint32_t>(random() % 3);
    }
    const Kind kind = kAllKinds[random() % 5];
    Cluster cluster(endpoints, kind);
    if (kind == Kind::kConsistentHash) {
      cluster.use_table({.key = {},
                         .table = random() % 2 == 0 ? model::ConsistentHash::Table::kRing
                                                    : model::ConsistentHash::Table::kMaglev,
                         .minimum_ring_size = 64,
                         .table_size = 251});
    }
    auto picker = cluster.picker(random() % 8);
    for (int step = 0; step < 20; ++step) {
      cluster.eject(random() % endpoints.size(), random() % 2 == 0);
      std::vector<std::uint32_t> excluded;
      if (random() % 2 == 0)
        excluded.push_back(static_cast<std::uint32_t>(random() % endpoints.size()));
      std::size_t usable = 0;
      for (const auto* state : cluster.states) usable += state->ejected ? 0 : 1;
      const auto picked = picker.pick({.hash = random(), .excluded = excluded, .now = cluster.now});
      ASSERT_EQ(picked.has_value(), usable > 0);
      if (picked) {
        ASSERT_FALSE(cluster.states[*picked]->ejected);
        if (excluded.empty()) {
          ASSERT_TRUE(picker.uses(*picked, cluster.now));
        }
      }
    }
  }
}

}  // namespace
}  // namespace sluice::balance
