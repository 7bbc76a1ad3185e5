// SPDX-License-Identifier: Apache-2.0
#include "agent/balance/locality.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/balance/endpoints.hpp"

namespace sluice::balance {
namespace {

using testing::ElementsAre;

const OwnPlace kOwn{.locality = {"eu", "eu-1", "a"}, .labels = {{"version", "v1"}, {"rack", "r7"}}};

std::vector<model::Endpoint> in(const std::vector<model::Locality>& places) {
  auto out = equal(places.size());
  for (std::size_t i = 0; i < places.size(); ++i) out[i].locality = places[i];
  return out;
}

std::vector<std::uint32_t> priorities(const std::vector<model::Endpoint>& endpoints) {
  std::vector<std::uint32_t> out;
  for (const auto& endpoint : endpoints) out.push_back(endpoint.priority);
  return out;
}

model::TrafficPolicy with_outlier_detection() {
  model::TrafficPolicy policy;
  policy.outlier_detection.emplace();
  return policy;
}

const std::vector<model::Locality> kPlaces{
    {"us", "us-1", "a"}, {"eu", "eu-2", "a"}, {"eu", "eu-1", "b"}, {"eu", "eu-1", "a"}, {}};

TEST(Locality, NearestFirstWhenOutlierDetectionIsSet) {
  auto endpoints = in(kPlaces);
  apply_locality(endpoints, with_outlier_detection(), kOwn);
  EXPECT_THAT(priorities(endpoints), ElementsAre(3, 2, 1, 0, 3));
}

TEST(Locality, GroupsAreClosedUp) {
  auto endpoints = in({{"us", "us-1", ""}, {"eu", "eu-2", ""}});
  apply_locality(endpoints, with_outlier_detection(), kOwn);
  EXPECT_THAT(priorities(endpoints), ElementsAre(1, 0));
}

TEST(Locality, NothingWithoutOutlierDetectionOrOwnPlaceOrWhenDisabled) {
  auto endpoints = in(kPlaces);
  apply_locality(endpoints, {}, kOwn);
  EXPECT_EQ(endpoints, in(kPlaces));
  apply_locality(endpoints, with_outlier_detection(), {});
  EXPECT_EQ(endpoints, in(kPlaces));
  auto disabled = with_outlier_detection();
  disabled.load_balancer.locality.emplace().enabled = false;
  apply_locality(endpoints, disabled, kOwn);
  EXPECT_EQ(endpoints, in(kPlaces));
}

TEST(Locality, AFailoverEntryNamesTheNextRegion) {
  auto endpoints = in({{"us", "", ""}, {"ap", "", ""}, {"eu", "eu-1", "a"}});
  auto policy = with_outlier_detection();
  policy.load_balancer.locality.emplace().failover = {{"us", "ap"}, {"eu", "ap"}};
  apply_locality(endpoints, policy, kOwn);
  EXPECT_THAT(priorities(endpoints), ElementsAre(2, 1, 0));
}

TEST(Locality, FailoverPriorityCountsLabelsUpToTheFirstMismatch) {
  auto endpoints = equal(4);
  endpoints[0].failover_labels = {"v1", "r7"};
  endpoints[1].failover_labels = {"v1", "r8"};
  endpoints[2].failover_labels = {"v2", "r7"};  // the first label counts first
  auto policy = with_outlier_detection();
  policy.load_balancer.locality.emplace().failover_priority = {"version", "rack"};
  apply_locality(endpoints, policy, {.locality = {}, .labels = kOwn.labels});
  EXPECT_THAT(priorities(endpoints), ElementsAre(0, 1, 2, 2));
  policy.load_balancer.locality->failover_priority = {"version=v2", "rack"};
  apply_locality(endpoints, policy, kOwn);
  EXPECT_THAT(priorities(endpoints), ElementsAre(1, 1, 0, 1));
}

TEST(Locality, DistributeGivesEachPlaceItsShareWhateverItsSize) {
  auto endpoints =
      in({{"eu", "eu-1", "a"}, {"eu", "eu-1", "b"}, {"eu", "eu-2", "a"}, {"us", "", ""}});
  endpoints[1].weight = 3;
  model::TrafficPolicy policy;  // does not need outlier detection
  policy.load_balancer.locality.emplace().distribute = {
      {.from = {"us", "*", "*"}, .to = {{{"us", "*", "*"}, 100}}},
      {.from = {"eu", "eu-1", "*"}, .to = {{{"eu", "eu-1", "*"}, 80}, {{"eu", "eu-2", "*"}, 20}}},
      {.from = {"*", "", ""}, .to = {{{"us", "*", "*"}, 100}}}};
  apply_locality(endpoints, policy, kOwn);
  EXPECT_EQ(endpoints[0].weight, 20'000'000U);
  EXPECT_EQ(endpoints[1].weight, 60'000'000U);
  EXPECT_EQ(endpoints[2].weight, 20'000'000U);
  EXPECT_EQ(endpoints[3].weight, 0U);
  EXPECT_THAT(priorities(endpoints), ElementsAre(0, 0, 0, 0));
}

}  // namespace
}  // namespace sluice::balance
