// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sample.hpp"

namespace sluice::app {
namespace {

TEST(RoutesView, EveryRouteInOrderWithItsMatchesAndPlace) {
  const v1::RoutesReply reply = routes_view(test::sample_snapshot(), test::sample_workers());
  EXPECT_EQ(reply.generation(), 7U);
  ASSERT_EQ(reply.routes_size(), 4);
  const v1::RouteStatus& beta = reply.routes(0);
  EXPECT_EQ(beta.listener(), "0.0.0.0:80");
  EXPECT_EQ(beta.virtual_host(), "default/echo");
  EXPECT_EQ(beta.domains(0), "echo.example.com");
  EXPECT_EQ(beta.name(), "beta");
  ASSERT_EQ(beta.matches_size(), 1);
  EXPECT_EQ(beta.matches(0), "uri prefix \"/beta\", header \"x-user\" regex \"a.*\"");
  EXPECT_EQ(beta.origin().line(), 14);
  EXPECT_EQ(reply.routes(2).index(), 2U);
  EXPECT_EQ(reply.routes(3).listener(), "192.0.2.1:8080");
  EXPECT_EQ(reply.routes(3).matches_size(), 0);
}

TEST(RoutesView, SharesWantedAndRealised) {
  const v1::RoutesReply reply = routes_view(test::sample_snapshot(), test::sample_workers());
  const v1::RouteStatus& main = reply.routes(2);
  ASSERT_EQ(main.shares_size(), 2);
  EXPECT_EQ(main.shares(0).cluster(), test::kV1);
  EXPECT_DOUBLE_EQ(main.shares(0).weight(), 80);
  EXPECT_DOUBLE_EQ(main.shares(0).wanted_percent(), 80);
  EXPECT_DOUBLE_EQ(main.shares(0).realised_percent(), 80);
  EXPECT_EQ(main.shares(0).requests(), 320U) << "picked and carried";
  EXPECT_EQ(main.shares(0).endpoints(), 1U);
  EXPECT_EQ(main.shares(0).state(), "ready");
  EXPECT_DOUBLE_EQ(main.shares(1).wanted_percent(), 20);
  EXPECT_EQ(reply.routes(1).shares(0).state(), "empty");
}

TEST(RoutesView, WithoutPicksNothingIsRealised) {
  const v1::RoutesReply reply = routes_view(test::sample_snapshot(), {});
  EXPECT_DOUBLE_EQ(reply.routes(2).shares(0).realised_percent(), 0);
  EXPECT_EQ(routes_view(nullptr, {}).routes_size(), 0);
}

}  // namespace
}  // namespace sluice::app
