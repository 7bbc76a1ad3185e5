// SPDX-License-Identifier: Apache-2.0
#include "agent/balance/endpoint_pick.hpp"

#include <gtest/gtest.h>

#include <map>

namespace sluice::balance {
namespace {

std::vector<model::Endpoint> endpoints(std::initializer_list<std::uint32_t> weights) {
  std::vector<model::Endpoint> out;
  for (const auto weight : weights) {
    model::Endpoint endpoint;
    endpoint.address.port = static_cast<std::uint16_t>(8000 + out.size());
    endpoint.weight = weight;
    out.push_back(endpoint);
  }
  return out;
}

std::vector<int> counts(EndpointPick pick, std::size_t size, int picks) {
  std::vector<int> out(size);
  for (int i = 0; i < picks; ++i) ++out[pick.pick().value()];
  return out;
}

TEST(EndpointPick, NoneGivesNone) { EXPECT_FALSE(EndpointPick(endpoints({})).pick()); }

TEST(EndpointPick, EqualEndpointsTakeTurns) {
  EndpointPick pick(endpoints({1, 1, 1}));
  for (std::size_t i = 0; i < 30; ++i) EXPECT_EQ(pick.pick(), i % 3);
}

TEST(EndpointPick, WorkersStartAtDifferentEndpoints) {
  for (std::size_t worker = 0; worker < 7; ++worker) {
    EXPECT_EQ(EndpointPick(endpoints({5, 5, 5}), worker).pick(), worker % 3);
  }
}

TEST(EndpointPick, WeightsAreHonoured) {
  EXPECT_EQ(counts(EndpointPick(endpoints({1, 3, 0})), 3, 400), (std::vector<int>{100, 300, 0}));
  EXPECT_EQ(counts(EndpointPick(endpoints({1, 3, 0}), 2), 3, 400), (std::vector<int>{100, 300, 0}));
}

TEST(EndpointPick, AllZeroMeansEqual) {
  EXPECT_EQ(counts(EndpointPick(endpoints({0, 0})), 2, 10), (std::vector<int>{5, 5}));
}

}  // namespace
}  // namespace sluice::balance
