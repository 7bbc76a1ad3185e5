// SPDX-License-Identifier: Apache-2.0
// What each kind of condition means.
#include "tests/unit/routing/builders.hpp"

namespace sluice::routing {
namespace {

bool hits(const model::RouteMatch& match, const http::RequestHead& head, std::uint16_t port = 80) {
  return matched(with_match(match, port), head) == "hit";
}

TEST(Match, UriExactPrefixRegex) {
  EXPECT_TRUE(hits(uri(Kind::kExact, "/a"), request("h", "/a", "q=1")));
  EXPECT_FALSE(hits(uri(Kind::kExact, "/a"), request("h", "/a/")));
  EXPECT_FALSE(hits(uri(Kind::kExact, "/a"), request("h", "/A")));
  EXPECT_TRUE(hits(uri(Kind::kPrefix, "/a"), request("h", "/ab/c")));
  EXPECT_FALSE(hits(uri(Kind::kPrefix, "/a/"), request("h", "/a")));
  EXPECT_TRUE(hits(uri(Kind::kRegex, "/v[0-9]+/.*"), request("h", "/v12/x")));
  EXPECT_FALSE(hits(uri(Kind::kRegex, "/v[0-9]"), request("h", "/v1/x")));  // the whole path
  EXPECT_FALSE(hits(uri(Kind::kRegex, "v1"), request("h", "/v1")));
}

TEST(Match, IgnoreUriCaseIsForExactAndPrefixOnly) {
  auto ignoring = [](Kind kind, std::string value) {
    auto match = uri(kind, std::move(value));
    match.ignore_uri_case = true;
    return match;
  };
  EXPECT_TRUE(hits(ignoring(Kind::kExact, "/Shop"), request("h", "/sHOP")));
  EXPECT_TRUE(hits(ignoring(Kind::kPrefix, "/Shop"), request("h", "/shop/x")));
  EXPECT_FALSE(hits(ignoring(Kind::kPrefix, "/Shop"), request("h", "/sho")));
  EXPECT_FALSE(hits(ignoring(Kind::kRegex, "/Shop"), request("h", "/shop")));
}

TEST(Match, MethodSchemeAuthorityPort) {
  model::RouteMatch match;
  match.method = model::StringMatch{Kind::kExact, "GET"};
  EXPECT_TRUE(hits(match, request("h", "/")));
  match.method = model::StringMatch{Kind::kRegex, "PUT|POST"};
  EXPECT_FALSE(hits(match, request("h", "/")));
  match.method.reset();
  match.scheme = model::StringMatch{Kind::kExact, "https"};
  EXPECT_FALSE(hits(match, request("h", "/")));
  match.scheme = model::StringMatch{Kind::kPrefix, "http"};
  EXPECT_TRUE(hits(match, request("h", "/")));
  match.authority = model::StringMatch{Kind::kExact, "h:8080"};
  EXPECT_TRUE(hits(match, request("h:8080", "/")));
  EXPECT_FALSE(hits(match, request("h", "/")));
  match.authority = model::StringMatch{Kind::kPresent, ""};
  EXPECT_FALSE(hits(match, request("", "/")));
  match.authority.reset();
  match.port = 8080;
  EXPECT_TRUE(hits(match, request("h", "/"), 8080));
  EXPECT_FALSE(hits(match, request("h", "/"), 80));
}

TEST(Match, Headers) {
  model::RouteMatch match;
  match.headers = {{"x-user", {Kind::kExact, "jason"}}};
  EXPECT_TRUE(hits(match, request("h", "/", "", {{"X-User", "jason"}})));
  EXPECT_FALSE(hits(match, request("h", "/", "", {{"X-User", "Jason"}})));
  EXPECT_FALSE(hits(match, request("h", "/")));
  match.headers = {{"x-user", {Kind::kPrefix, "ja"}}};
  EXPECT_TRUE(hits(match, request("h", "/", "", {{"x-user", "jason"}})));
  match.headers = {{"x-user", {Kind::kRegex, "j.*n"}}};
  EXPECT_TRUE(hits(match, request("h", "/", "", {{"x-user", "jason"}})));
  match.headers = {{"x-user", {Kind::kPresent, ""}}};
  EXPECT_TRUE(hits(match, request("h", "/", "", {{"x-user", ""}})));
  EXPECT_FALSE(hits(match, request("h", "/", "", {{"x-other", ""}})));
}

TEST(Match, FieldsOfOneNameAreOneValue) {
  model::RouteMatch match;
  match.headers = {{"x-tag", {Kind::kExact, "a,b,c"}}};
  const auto split = request("h", "/", "", {{"X-Tag", "a"}, {"x", "1"}, {"x-tag", "b,c"}});
  EXPECT_TRUE(hits(match, split));
  match.headers = {{"x-tag", {Kind::kExact, "a"}}};
  EXPECT_FALSE(hits(match, split));
  match.headers = {{"x-tag", {Kind::kRegex, "(.*,)?b(,.*)?"}}};
  EXPECT_TRUE(hits(match, split));
}

TEST(Match, WithoutHeaders) {
  model::RouteMatch match;
  match.without_headers = {{"x-debug", {Kind::kExact, "1"}}};
  EXPECT_TRUE(hits(match, request("h", "/")));
  EXPECT_TRUE(hits(match, request("h", "/", "", {{"x-debug", "2"}})));
  EXPECT_FALSE(hits(match, request("h", "/", "", {{"x-debug", "1"}})));
  match.without_headers = {{"x-debug", {Kind::kPresent, ""}}};
  EXPECT_TRUE(hits(match, request("h", "/")));
  EXPECT_FALSE(hits(match, request("h", "/", "", {{"X-Debug", "2"}})));
}

TEST(Match, QueryParameters) {
  model::RouteMatch match;
  match.query_params = {{"v", {Kind::kExact, "1"}}};
  EXPECT_TRUE(hits(match, request("h", "/", "v=1")));
  EXPECT_TRUE(hits(match, request("h", "/", "a=2&v=1&b")));
  EXPECT_TRUE(hits(match, request("h", "/", "v=1&v=2")));  // the first one counts
  EXPECT_FALSE(hits(match, request("h", "/", "v=2&v=1")));
  EXPECT_FALSE(hits(match, request("h", "/", "V=1")));    // names have case
  EXPECT_FALSE(hits(match, request("h", "/", "v=%31")));  // compared as sent
  EXPECT_FALSE(hits(match, request("h", "/")));
  match.query_params = {{"v", {Kind::kPrefix, "1"}}};
  EXPECT_TRUE(hits(match, request("h", "/", "v=12=3")));
  match.query_params = {{"v", {Kind::kPresent, ""}}};
  EXPECT_TRUE(hits(match, request("h", "/", "x&v")));
  EXPECT_FALSE(hits(match, request("h", "/", "vv=1&&=v")));
  match.query_params = {{"v", {Kind::kExact, ""}}};
  EXPECT_TRUE(hits(match, request("h", "/", "v")));
  EXPECT_TRUE(hits(match, request("h", "/", "v=&w")));
}

TEST(Match, AllConditionsOfOneMatchAnyMatchOfARoute) {
  auto both = uri(Kind::kPrefix, "/api");
  both.headers = {{"x-v", {Kind::kExact, "2"}}};
  const RouteTable table = compile(
      {virtual_host("vh", {"*"}, {route("v2", {both, uri(Kind::kExact, "/v2")}), route("rest")})});
  EXPECT_EQ(matched(table, request("h", "/api", "", {{"x-v", "2"}})), "v2");
  EXPECT_EQ(matched(table, request("h", "/api")), "rest");
  const auto decision = table.match(request("h", "/v2"));
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->match_index, 1);
  EXPECT_EQ(decision->virtual_host->name, "vh");
  EXPECT_EQ(table.match(request("h", "/"))->match_index, -1);
}

TEST(Match, TheFirstRouteWinsHoweverManyThereAre) {
  std::vector<model::Route> routes;
  for (int i = 0; i < 500; ++i) {
    const std::string n = std::to_string(i);
    routes.push_back(route("exact" + n, {uri(Kind::kExact, "/p/" + n)}));
    routes.push_back(route("prefix" + n, {uri(Kind::kPrefix, "/q/" + n + "/")}));
  }
  routes.insert(routes.begin() + 400, route("regex", {uri(Kind::kRegex, "/p/(5|499)")}));
  routes.insert(routes.begin() + 600, route("wide", {uri(Kind::kPrefix, "/q/")}));
  const RouteTable table = compile({virtual_host("vh", {"*"}, std::move(routes))});
  EXPECT_EQ(matched(table, request("h", "/p/5")), "exact5");     // before the regex
  EXPECT_EQ(matched(table, request("h", "/p/499")), "regex");    // behind it
  EXPECT_EQ(matched(table, request("h", "/q/7/x")), "prefix7");  // before the wide prefix
  EXPECT_EQ(matched(table, request("h", "/q/480/x")), "wide");
  EXPECT_EQ(matched(table, request("h", "/p/500")), "404");
}

TEST(Match, RouteIdsAreDenseAndPointIntoTheTable) {
  const RouteTable table = compile({
      virtual_host("a", {"a"}, {route("a0", {uri(Kind::kExact, "/0")}), route("a1")}),
      virtual_host("b", {"b"}, {route("b0")}),
  });
  ASSERT_EQ(table.routes().size(), 3U);
  const auto decision = table.match(request("b", "/"));
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->route_id, 2U);
  const auto& entry = table.routes()[decision->route_id];
  EXPECT_EQ(&table.virtual_hosts()[entry.virtual_host]->routes[entry.route], decision->route);
}

TEST(Match, ATableSurvivesBeingMoved) {
  RouteTable table = with_match(uri(Kind::kPrefix, "/"));
  const RouteTable moved = std::move(table);
  EXPECT_EQ(matched(moved, request("h", "/x")), "hit");
}

}  // namespace
}  // namespace sluice::routing
