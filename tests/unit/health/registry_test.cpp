// SPDX-License-Identifier: Apache-2.0
#include "agent/health/registry.hpp"

#include <gtest/gtest.h>

#include "tests/unit/health/cluster.hpp"

namespace sluice::health {
namespace {

using std::chrono::seconds;

TEST(Registry, SharesOneRecordAClusterAndAddress) {
  Cluster cluster(2);
  const Records again = cluster.registry.find("echo", cluster.policy, endpoints(3));
  EXPECT_EQ(again.cluster, cluster.records.cluster);
  EXPECT_EQ(again.endpoints[1], cluster.records.endpoints[1]);
  EXPECT_NE(again.endpoints[2], again.endpoints[1]);
  const Records other = cluster.registry.find("other", cluster.policy, endpoints(1));
  EXPECT_NE(other.endpoints[0], again.endpoints[0]);
}

TEST(Registry, DropsWhatNobodyUses) {
  Cluster cluster(3);
  cluster.report(1, Outcome::kServerError, 5);
  ASSERT_TRUE(cluster.ejected(1));
  Records fewer = cluster.registry.find("echo", cluster.policy, endpoints(1));
  cluster.records = std::move(fewer);
  cluster.wait(seconds(0));
  EXPECT_EQ(cluster.view().endpoints.size(), 1U);
  EXPECT_EQ(cluster.view().ejected, 0U);
  cluster.records = cluster.registry.find("echo", cluster.policy, endpoints(3));
  EXPECT_FALSE(cluster.ejected(1));  // a new one
  cluster.records = {};
  cluster.wait(seconds(0));
  EXPECT_TRUE(cluster.registry.views().empty());
}

std::int64_t age_of(const Cluster& cluster, std::size_t endpoint) {
  return std::chrono::duration_cast<seconds>(
             cluster.clock.now() - cluster.records.endpoints[endpoint]->state().serving_since())
      .count();
}

TEST(Registry, KnowsSinceWhenAnEndpointServes) {
  Cluster cluster(0);
  cluster.clock.advance(seconds(100'000));
  auto some = endpoints(3);
  some[0].ready_since = cluster.unix_seconds - 20;
  some[1].ready_since = cluster.unix_seconds + 20;       // another clock: now
  some[2].ready_since = cluster.unix_seconds - 999'999;  // before this machine booted
  cluster.records = cluster.registry.find("echo", cluster.policy, some);
  EXPECT_EQ(age_of(cluster, 0), 20);
  EXPECT_EQ(age_of(cluster, 1), 0);
  EXPECT_GT(age_of(cluster, 2), 100'000);
  // Unready and ready again: it starts anew, and only then.
  cluster.clock.advance(seconds(50));
  cluster.unix_seconds += 50;
  cluster.records = cluster.registry.find("echo", cluster.policy, some);
  EXPECT_EQ(age_of(cluster, 0), 70);
  some[0].ready_since = cluster.unix_seconds - 5;
  cluster.records = cluster.registry.find("echo", cluster.policy, some);
  EXPECT_EQ(age_of(cluster, 0), 5);
}

TEST(Registry, AnEndpointOfUnknownAgeIsNewOnlyBesideOthers) {
  Cluster cluster(2);
  cluster.clock.advance(seconds(100));
  EXPECT_GE(age_of(cluster, 0), 100);
  cluster.records = cluster.registry.find("echo", cluster.policy, endpoints(3));
  EXPECT_EQ(age_of(cluster, 2), 0);
  EXPECT_GE(age_of(cluster, 0), 100);
}

}  // namespace
}  // namespace sluice::health
