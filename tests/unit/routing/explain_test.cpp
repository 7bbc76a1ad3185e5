// SPDX-License-Identifier: Apache-2.0
// What a person asking "why did this request not go there?" is told.
#include <gmock/gmock.h>

#include "tests/unit/routing/builders.hpp"

namespace sluice::routing {
namespace {

std::string render(const Explanation& explanation) {
  std::string out = "domain " + explanation.domain + "\n";
  for (const auto& miss : explanation.near_misses) {
    out += miss.virtual_host->name + " " + miss.route->name + "[" +
           std::to_string(miss.match_index) + "] " + miss.condition + ": " + miss.got + "\n";
  }
  out += explanation.decision ? "-> " + explanation.decision->route->name : "-> 404";
  return out;
}

TEST(Explain, NamesTheFirstConditionThatFailed) {
  model::RouteMatch v2 = uri(Kind::kPrefix, "/api");
  v2.headers = {{"x-version", {Kind::kExact, "2"}}};
  model::RouteMatch post = uri(Kind::kPrefix, "/API");
  post.ignore_uri_case = true;
  post.method = model::StringMatch{Kind::kExact, "POST"};
  model::RouteMatch beta;
  beta.query_params = {{"beta", {Kind::kPresent, ""}}};
  model::RouteMatch quiet;
  quiet.without_headers = {{"x-loud", {Kind::kRegex, "y.*"}}};
  model::RouteMatch other_port;
  other_port.port = 8080;
  const RouteTable table = compile({
      virtual_host("default/shop", {"*.shop.test"},
                   {route("cart", {uri(Kind::kExact, "/cart"), v2}), route("post", {post}),
                    route("beta", {beta})}),
      virtual_host(
          "default/more", {"*.shop.test"},
          {route("quiet", {quiet}), route("port", {other_port}), route("rest"), route("late")}),
  });
  const auto explanation =
      table.explain(request("eu.shop.test", "/api/1", "", {{"X-Loud", "yes"}}));
  EXPECT_EQ(render(explanation),
            "domain *.shop.test\n"
            "default/shop cart[0] uri exact \"/cart\": /api/1\n"
            "default/shop cart[1] header \"x-version\" exact \"2\": (absent)\n"
            "default/shop post[0] method exact \"POST\": GET\n"
            "default/shop beta[0] query parameter \"beta\" present: (absent)\n"
            "default/more quiet[0] without header \"x-loud\" regex \"y.*\": yes\n"
            "default/more port[0] port 8080: 80\n"
            "-> rest");
}

TEST(Explain, SaysThatIgnoringCaseWasTried) {
  auto match = uri(Kind::kExact, "/Cart");
  match.ignore_uri_case = true;
  EXPECT_EQ(render(with_match(match).explain(request("h", "/card"))),
            "domain *\nvh hit[0] uri exact \"/Cart\" (ignoring case): /card\n-> 404");
}

TEST(Explain, ListsTheDomainsWhenTheHostIsUnknown) {
  const RouteTable table = compile({virtual_host("a", {"a.test", "*.b.test"}, {route("a")})});
  const auto explanation = table.explain(request("c.test", "/"));
  EXPECT_FALSE(explanation.decision);
  EXPECT_EQ(explanation.domain, "");
  EXPECT_THAT(explanation.domains, testing::ElementsAre("a.test", "*.b.test"));
  EXPECT_THAT(explanation.near_misses, testing::IsEmpty());
}

}  // namespace
}  // namespace sluice::routing
