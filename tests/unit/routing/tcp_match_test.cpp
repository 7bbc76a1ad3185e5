// SPDX-License-Identifier: Apache-2.0
// Rules of TCP listeners, as Istio documents TCPRoute and L4MatchAttributes.
#include "agent/routing/tcp_match.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::routing {
namespace {

model::TcpMatch match(const std::vector<std::string>& subnets, std::optional<std::uint16_t> port) {
  model::TcpMatch out;
  for (const auto& text : subnets) out.destination_subnets.push_back(*IpPrefix::parse(text));
  out.port = port;
  return out;
}

model::TcpRoute route(std::vector<model::TcpMatch> matches) {
  model::TcpRoute out;
  out.matches = std::move(matches);
  return out;
}

std::optional<std::size_t> take(const std::vector<model::TcpRoute>& routes, const char* address) {
  return match_tcp(routes, *SocketAddress::parse(address));
}

TEST(TcpMatch, TheFirstRuleThatHoldsIsTaken) {
  const std::vector routes = {route({match({"10.1.0.0/16"}, {})}), route({match({}, 5432)}),
                              route({match({"10.0.0.0/8"}, {})})};
  EXPECT_EQ(take(routes, "10.1.2.3:5432"), 0U);
  EXPECT_EQ(take(routes, "10.2.0.1:5432"), 1U);
  EXPECT_EQ(take(routes, "10.2.0.1:80"), 2U);
  EXPECT_EQ(take(routes, "192.0.2.1:80"), std::nullopt);
}

TEST(TcpMatch, AllConditionsOfAMatchMustHoldAndAnyMatchOfARule) {
  const std::vector routes = {route({match({"10.0.0.0/8"}, 80), match({"fd00::/8"}, 443)})};
  EXPECT_EQ(take(routes, "10.0.0.1:80"), 0U);
  EXPECT_EQ(take(routes, "[fd00::1]:443"), 0U);
  EXPECT_EQ(take(routes, "10.0.0.1:443"), std::nullopt);
  EXPECT_EQ(take(routes, "[fd00::1]:80"), std::nullopt);
}

TEST(TcpMatch, AnyOfTheSubnetsWillDo) {
  const std::vector routes = {route({match({"10.0.0.0/8", "192.0.2.7"}, {})})};
  EXPECT_EQ(take(routes, "192.0.2.7:1"), 0U);
  EXPECT_EQ(take(routes, "192.0.2.8:1"), std::nullopt);
}

TEST(TcpMatch, ARuleWithoutMatchesTakesEverythingAndNoRuleNothing) {
  EXPECT_EQ(take({route({})}, "[::1]:1"), 0U);
  EXPECT_EQ(take({}, "[::1]:1"), std::nullopt);
}

}  // namespace
}  // namespace sluice::routing
