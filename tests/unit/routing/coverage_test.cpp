// SPDX-License-Identifier: Apache-2.0
// What a table leaves to 404 and what it can lead to: a connection may only be steered past the
// agent when this says that no later request could have gone elsewhere.
#include <gmock/gmock.h>

#include "tests/unit/routing/builders.hpp"

namespace sluice::routing {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string gap(const RouteTable& table) {
  EXPECT_EQ(table.total(), !table.gap().has_value());
  return table.gap() ? table.gap()->message : "";
}

TEST(Coverage, AMatchAllForEveryHostIsTotal) {
  const RouteTable table = compile({virtual_host("vh", {"*"}, {route("all")})});
  EXPECT_TRUE(table.total());
  EXPECT_THAT(table.reachable(), ElementsAre(0));
}

TEST(Coverage, NothingBoundIsNotTotal) {
  EXPECT_THAT(gap(compile({})), HasSubstr("every request gets 404"));
  EXPECT_THAT(compile({}).reachable(), IsEmpty());
}

TEST(Coverage, OtherHostsMustBeServedToo) {
  EXPECT_THAT(gap(compile({virtual_host("vh", {"a.test"}, {route("all")})})),
              HasSubstr("only a.test is served"));
}

TEST(Coverage, EveryDomainNeedsItsOwnMatchAllForThereIsNoFallThrough) {
  EXPECT_THAT(gap(compile({virtual_host("any", {"*"}, {route("all")}),
                           virtual_host("shop", {"shop.test"},
                                        {route("api", {uri(Kind::kPrefix, "/api")})})})),
              HasSubstr("requests for host shop.test that match no route of \"shop\""));
  EXPECT_TRUE(
      compile({virtual_host("any", {"*", "shop.test"}, {route("all")}),
               virtual_host("shop", {"shop.test"}, {route("api", {uri(Kind::kPrefix, "/api")})})})
          .total());
}

TEST(Coverage, PrefixSlashTakesEveryRequest) {
  const RouteTable table = with_match(uri(Kind::kPrefix, "/"));
  EXPECT_TRUE(table.total());
  EXPECT_NE(matched(table, request("h", "*")), "404");
  EXPECT_TRUE(with_match(uri(Kind::kPrefix, "")).total());
  EXPECT_FALSE(with_match(uri(Kind::kExact, "/")).total());
}

TEST(Coverage, TheListenersOwnPortIsNoCondition) {
  model::RouteMatch match;
  match.port = 80;
  EXPECT_TRUE(with_match(match, 80).total());
  const RouteTable other = with_match(match, 8080);
  EXPECT_FALSE(other.total());
  EXPECT_THAT(other.reachable(), IsEmpty());
}

TEST(Coverage, RoutesBehindAMatchAllAreUnreachable) {
  const RouteTable table = compile({
      virtual_host("first", {"*"},
                   {route("api", {uri(Kind::kPrefix, "/api")}), route("all"), route("late")}),
      virtual_host("second", {"*"}, {route("later")}),
      virtual_host("third", {"x.test"}, {route("x")}),
  });
  EXPECT_THAT(table.reachable(), ElementsAre(0, 1, 4));
}

}  // namespace
}  // namespace sluice::routing
