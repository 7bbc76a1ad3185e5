// SPDX-License-Identifier: Apache-2.0
// Outlier detection as Istio documents it, field by field.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/health/cluster.hpp"

namespace sluice::health {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;

TEST(Outcome, IsByStatus) {
  EXPECT_EQ(outcome_of(200), Outcome::kOk);
  EXPECT_EQ(outcome_of(499), Outcome::kOk);
  EXPECT_EQ(outcome_of(500), Outcome::kServerError);
  EXPECT_EQ(outcome_of(501), Outcome::kServerError);
  EXPECT_EQ(outcome_of(502), Outcome::kGatewayError);
  EXPECT_EQ(outcome_of(503), Outcome::kGatewayError);
  EXPECT_EQ(outcome_of(504), Outcome::kGatewayError);
  EXPECT_EQ(outcome_of(505), Outcome::kServerError);
}

TEST(Outlier, FiveServerErrorsInARowEject) {
  Cluster cluster(3);
  cluster.report(0, Outcome::kServerError, 4);
  EXPECT_FALSE(cluster.ejected(0));
  cluster.report(0, Outcome::kOk);  // no longer in a row
  cluster.report(0, Outcome::kServerError, 4);
  EXPECT_FALSE(cluster.ejected(0));
  const auto before = cluster.records.cluster->changes().count.load();
  cluster.report(0, Outcome::kGatewayError);  // one of the 5xx as well
  EXPECT_TRUE(cluster.ejected(0));
  EXPECT_NE(cluster.records.cluster->changes().count.load(), before);
  EXPECT_FALSE(cluster.ejected(1));
  EXPECT_THAT(cluster.view().ejections, ElementsAre(1, 0, 0));
  EXPECT_EQ(cluster.view().endpoints[0].cause, Ejection::kServerErrors);
}

TEST(Outlier, GatewayErrorsHaveACountOfTheirOwn) {
  Cluster cluster(3, {.consecutive_gateway_errors = 2, .consecutive_5xx_errors = 0});
  cluster.report(0, Outcome::kServerError, 100);
  EXPECT_FALSE(cluster.ejected(0));
  cluster.report(0, Outcome::kGatewayError);
  cluster.report(0, Outcome::kServerError);  // not a gateway error: no longer in a row
  cluster.report(0, Outcome::kGatewayError);
  EXPECT_FALSE(cluster.ejected(0));
  cluster.report(0, Outcome::kGatewayError);
  EXPECT_TRUE(cluster.ejected(0));
  EXPECT_THAT(cluster.view().ejections, ElementsAre(0, 1, 0));
  EXPECT_EQ(cluster.view().endpoints[0].cause, Ejection::kGatewayErrors);
}

TEST(Outlier, WithoutAnAnswerCountsAsGatewayErrorUnlessSplit) {
  Cluster together(3, {.consecutive_gateway_errors = 2});
  together.report(0, Outcome::kLocalFailure);
  together.report(0, Outcome::kGatewayError);
  EXPECT_TRUE(together.ejected(0));

  Cluster split(3, {.split_external_local_origin_errors = true,
                    .consecutive_local_origin_failures = 3,
                    .consecutive_gateway_errors = 2,
                    .consecutive_5xx_errors = 2});
  split.report(0, Outcome::kLocalFailure, 2);
  split.report(0, Outcome::kServerError);  // it answered: local failures start again
  split.report(0, Outcome::kLocalFailure, 2);
  EXPECT_FALSE(split.ejected(0));
  split.report(0, Outcome::kLocalFailure);
  EXPECT_TRUE(split.ejected(0));
  split.report(1, Outcome::kServerError, 2);
  EXPECT_FALSE(split.ejected(1));  // 10 % of three is the one that is ejected
  EXPECT_THAT(split.view().ejections, ElementsAre(0, 0, 1));
}

TEST(Outlier, ComesBackAfterTheBaseTimeAndStaysAwayLongerEachTime) {
  Cluster cluster(2, {.interval = seconds(10), .base_ejection_time = seconds(30)});
  for (const int times : {1, 2, 3}) {
    cluster.report(0, Outcome::kServerError, 5);
    ASSERT_TRUE(cluster.ejected(0));
    EXPECT_EQ(cluster.view().endpoints[0].returns_in, seconds(30 * times));
    cluster.wait(seconds(30 * times - 1));
    EXPECT_TRUE(cluster.ejected(0));
    cluster.wait(seconds(1));
    EXPECT_FALSE(cluster.ejected(0));
  }
  // Well for two intervals: two times are forgiven.
  cluster.wait(seconds(10));
  cluster.wait(seconds(10));
  EXPECT_EQ(cluster.view().endpoints[0].times_ejected, 1U);
  cluster.report(0, Outcome::kServerError, 5);
  EXPECT_EQ(cluster.view().endpoints[0].returns_in, seconds(60));
}

TEST(Outlier, NeverLongerThanFiveMinutesOrTheBaseTime) {
  Cluster five_minutes(2, {.base_ejection_time = seconds(200)});
  for (int i = 0; i < 4; ++i) {
    five_minutes.report(0, Outcome::kServerError, 5);
    EXPECT_EQ(five_minutes.view().endpoints[0].returns_in, seconds(i == 0 ? 200 : 300));
    five_minutes.wait(seconds(300));
  }
  Cluster longer(2, {.base_ejection_time = seconds(900)});
  for (int i = 0; i < 3; ++i) {
    longer.report(0, Outcome::kServerError, 5);
    EXPECT_EQ(longer.view().endpoints[0].returns_in, seconds(900));
    longer.wait(seconds(900));
    EXPECT_FALSE(longer.ejected(0));
  }
}

TEST(Outlier, MaxEjectionPercentHoldsButOneMayAlwaysGo) {
  Cluster cluster(10, {.consecutive_5xx_errors = 1, .max_ejection_percent = 35});
  for (std::size_t i = 0; i < 10; ++i) cluster.report(i, Outcome::kServerError);
  EXPECT_EQ(cluster.view().ejected, 3U);
  EXPECT_EQ(cluster.view().ejections_held_back, 7U);
  Cluster alone(1, {.consecutive_5xx_errors = 1, .max_ejection_percent = 10});
  alone.report(0, Outcome::kServerError);
  EXPECT_TRUE(alone.ejected(0));
  Cluster none(3, {.consecutive_5xx_errors = 1, .max_ejection_percent = 0});
  none.report(0, Outcome::kServerError, 10);
  EXPECT_FALSE(none.ejected(0));
}

TEST(Outlier, OneHeldBackIsEjectedOnceThereIsRoom) {
  Cluster cluster(
      4,
      {.consecutive_5xx_errors = 2, .base_ejection_time = seconds(10), .max_ejection_percent = 25});
  cluster.report(0, Outcome::kServerError, 2);
  cluster.report(1, Outcome::kServerError, 2);
  EXPECT_FALSE(cluster.ejected(1));
  cluster.wait(seconds(10));
  cluster.report(1, Outcome::kServerError, 2);
  EXPECT_TRUE(cluster.ejected(1));
}

TEST(Outlier, TakenOutOfTheConfigurationAllComeBack) {
  Cluster cluster(3, {.base_ejection_time = seconds(1000)});
  cluster.report(2, Outcome::kServerError, 5);
  cluster.records = cluster.registry.find("echo", model::default_policy(), endpoints(3));
  EXPECT_TRUE(cluster.ejected(2));
  cluster.wait(seconds(1));
  EXPECT_FALSE(cluster.ejected(2));
}

}  // namespace
}  // namespace sluice::health
