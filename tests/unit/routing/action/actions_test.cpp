// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/action/actions.hpp"

#include <gmock/gmock.h>

#include "tests/unit/routing/builders.hpp"

namespace sluice::routing {
namespace {

using testing::HasSubstr;

model::HeaderRulesPtr sets(const char* name) {
  auto rules = std::make_shared<model::HeaderRules>();
  rules->request.set.push_back({name, {{model::ValuePiece::Kind::kLiteral, "1", ""}}});
  return rules;
}

TEST(Actions, AreReachedFromTheDecision) {
  model::Route moved = route("moved", {uri(Kind::kPrefix, "/old")});
  moved.redirect = model::Redirect{.status = 302};
  const RouteTable table = compile({virtual_host("vh", {"*"}, {moved, route("plain")})});
  const auto old = table.match(request("a", "/old"));
  ASSERT_TRUE(old && old->actions != nullptr);
  EXPECT_EQ(old->actions->redirect->status(), 302);
  const auto other = table.match(request("a", "/new"));
  ASSERT_TRUE(other);
  EXPECT_EQ(other->actions, nullptr) << "a route that only names destinations has none";
}

TEST(Actions, HeadersBelongToTheDestinationThatIsPicked) {
  model::Route canary = route("canary");
  canary.destinations.push_back({.cluster = "v1", .origin = {}});
  canary.destinations.push_back({.cluster = "v2", .origin = {}, .headers = sets("x-canary")});
  const RouteTable table = compile({virtual_host("vh", {"*"}, {canary})});
  const auto decision = table.match(request("a", "/"));
  ASSERT_TRUE(decision && decision->actions != nullptr);
  EXPECT_EQ(decision->actions->destination("v1"), nullptr);
  ASSERT_NE(decision->actions->destination("v2"), nullptr);
  EXPECT_FALSE(decision->actions->destination("v2")->request.empty());
}

TEST(Actions, AWrongOneBreaksOnlyItsRoute) {
  model::Route wrong = route("wrong", {uri(Kind::kPrefix, "/wrong")});
  wrong.rewrite = model::Rewrite{.regex = model::RegexRewrite{"(", "x"}};
  model::Route cors = route("cors", {uri(Kind::kPrefix, "/cors")});
  cors.cors = model::Cors{};
  cors.cors->allow_origins = {{Kind::kRegex, "["}};
  const RouteTable table = compile({virtual_host("vh", {"*"}, {wrong, cors, route("good")})});
  EXPECT_THAT(table.match(request("a", "/wrong"))->actions->broken, HasSubstr("missing )"));
  EXPECT_THAT(table.match(request("a", "/cors"))->actions->broken, HasSubstr("missing ]"));
  EXPECT_EQ(matched(table, request("a", "/")), "good");
}

// Their counters of exact shares go on when something else changes.
TEST(Actions, HaveAnIdThatStays) {
  const auto id_in = [](std::vector<model::Route> routes) {
    const RouteTable table = compile({virtual_host("vh", {"*"}, std::move(routes))});
    return table.match(request("a", "/f"))->actions->id;
  };
  model::Route fault = route("fault", {uri(Kind::kPrefix, "/f")});
  fault.fault = model::Fault{};
  model::Route nameless = fault;
  nameless.name.clear();
  const auto id = id_in({fault});
  EXPECT_EQ(id_in({route("new", {uri(Kind::kExact, "/new")}), fault}), id);
  EXPECT_NE(id_in({nameless}), id);
  EXPECT_NE(id_in({route("", {uri(Kind::kExact, "/new")}), nameless}), id_in({nameless}));
}

}  // namespace
}  // namespace sluice::routing
