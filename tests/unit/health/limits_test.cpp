// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/health/cluster.hpp"

namespace sluice::health {
namespace {

using testing::ElementsAre;

TEST(Limits, EachKindHoldsAndCountsWhatItHeldBack) {
  Cluster cluster(1);
  ClusterRecord& record = *cluster.records.cluster;
  model::TrafficPolicy policy;
  policy.connection_pool.max_connections = 1;
  policy.connection_pool.max_pending_requests = 0;
  policy.connection_pool.max_requests = 2;
  policy.connection_pool.max_retries = 1;
  Token connection = record.begin_connection(policy.connection_pool);
  EXPECT_TRUE(connection);
  EXPECT_FALSE(record.begin_connection(policy.connection_pool));
  EXPECT_FALSE(record.begin_pending(policy.connection_pool));
  const Token first = record.begin_request(policy.connection_pool);
  const Token second = record.begin_request(policy.connection_pool);
  EXPECT_TRUE(second);
  EXPECT_FALSE(record.begin_request(policy.connection_pool));
  const Token retry = record.begin_retry(policy);
  EXPECT_FALSE(record.begin_retry(policy));
  EXPECT_FALSE(record.begin_retry(policy));
  EXPECT_THAT(cluster.view().overflows, ElementsAre(1, 1, 1, 2, 0));
  EXPECT_EQ(cluster.view().requests, 2U);
  connection.release();
  EXPECT_TRUE(record.begin_connection(policy.connection_pool));
}

TEST(Limits, UnsetMeansNone) {
  Cluster cluster(1);
  std::vector<Token> tokens;
  for (int i = 0; i < 1000; ++i) {
    tokens.push_back(cluster.records.cluster->begin_request({}));
    ASSERT_TRUE(tokens.back());
    tokens.push_back(cluster.records.cluster->begin_retry({}));
    ASSERT_TRUE(tokens.back());
  }
  tokens.clear();
  EXPECT_EQ(cluster.view().requests, 0U);
  EXPECT_EQ(cluster.view().retries, 0U);
}

TEST(Limits, ATokenMovesAndGivesBackOnce) {
  Counter counter{0};
  {
    Token token = Token::take(counter);
    Token moved = std::move(token);
    token = std::move(moved);
    EXPECT_EQ(counter, 1U);
    token = Token::take(counter);
    EXPECT_EQ(counter, 1U);
  }
  EXPECT_EQ(counter, 0U);
}

TEST(Limits, TheRetryBudgetFollowsTheRequestsInFlight) {
  Cluster cluster(1);
  ClusterRecord& record = *cluster.records.cluster;
  model::TrafficPolicy policy;
  policy.retry_budget = model::RetryBudget{.percent = 20, .minimum_concurrency = 3};
  std::vector<Token> requests;
  std::vector<Token> retries;
  const auto retries_that_fit = [&] {
    retries.clear();
    while (Token retry = record.begin_retry(policy)) retries.push_back(std::move(retry));
    return retries.size();
  };
  EXPECT_EQ(retries_that_fit(), 3U);
  for (int i = 0; i < 50; ++i) requests.push_back(record.begin_request({}));
  EXPECT_EQ(retries_that_fit(), 10U);
  EXPECT_THAT(cluster.view().overflows, ElementsAre(0, 0, 0, 0, 2));
}

}  // namespace
}  // namespace sluice::health
