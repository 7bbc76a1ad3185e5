// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/action/rewrite.hpp"

#include <gmock/gmock.h>

#include "tests/unit/routing/builders.hpp"

namespace sluice::routing {
namespace {

using PathKind = model::PathRewrite::Kind;
using testing::HasSubstr;

// The target that an endpoint is asked for, or what is wrong with the rewrite.
std::string rewritten(const model::Rewrite& rewrite, const model::Route& route,
                      const std::string& path, const std::string& query = "") {
  const auto compiled = Rewrite::compile(rewrite);
  if (!compiled) return compiled.error().message;
  http::RequestHead head = request("shop.example.com", path, query);
  std::string scratch;
  if (!compiled->apply(matched_prefix(route, route.matches.empty() ? -1 : 0), head, scratch)) {
    return "(too long)";
  }
  return head.query.empty() ? head.path : head.path + "?" + head.query;
}

std::string by_path(PathKind kind, const std::string& text, const model::Route& route,
                    const std::string& path, const std::string& query = "") {
  return rewritten({.path = model::PathRewrite{kind, text}}, route, path, query);
}

TEST(Rewrite, ReplacesThePrefixThatMatched) {
  struct Case {
    const char* prefix;
    const char* uri;
    const char* path;
    const char* becomes;
  };
  for (const Case& c : {
           Case{"/reviews", "/v1/reviews", "/reviews/7", "/v1/reviews/7"},
           Case{"/reviews", "/", "/reviews/7", "/7"},  // not "//7"
           Case{"/reviews", "/", "/reviews", "/"}, Case{"/reviews/", "/", "/reviews/7", "/7"},
           Case{"/reviews/", "/api/", "/reviews/7", "/api/7"},
           Case{"/re", "/x", "/reviews", "/xviews"},  // Istio's prefixes are bytes, not segments
           Case{"/", "/v1/", "/a", "/v1/a"},
           Case{"/a", "b", "/a/c", "/b/c"},  // a path begins with a slash
       }) {
    const auto route = sluice::routing::route("r", {uri(Kind::kPrefix, c.prefix)});
    EXPECT_EQ(by_path(PathKind::kPrefix, c.uri, route, c.path), c.becomes) << c.path;
  }
}

TEST(Rewrite, ReplacesTheWholePathWhereNoPrefixMatched) {
  EXPECT_EQ(by_path(PathKind::kPrefix, "/new", route("r", {uri(Kind::kExact, "/old")}), "/old"),
            "/new");
  EXPECT_EQ(by_path(PathKind::kPrefix, "/new", route("r", {uri(Kind::kRegex, "/o.*")}), "/old/x"),
            "/new");
  EXPECT_EQ(by_path(PathKind::kWhole, "/new", route("r", {uri(Kind::kPrefix, "/old")}), "/old/x"),
            "/new");
}

TEST(Rewrite, ARouteForEveryPathHasThePrefixSlash) {
  model::RouteMatch get;
  get.method = model::StringMatch{Kind::kExact, "GET"};
  EXPECT_EQ(by_path(PathKind::kPrefix, "/v1/", route("r"), "/a"), "/v1/a");
  EXPECT_EQ(by_path(PathKind::kPrefix, "/v1/", route("r", {get}), "/a"), "/v1/a");
}

// Gateway API, HTTPPathModifier replacePrefixMatch.
TEST(Rewrite, ReplacesWholeSegments) {
  struct Case {
    const char* prefix;
    const char* text;
    const char* path;
    const char* becomes;
  };
  for (const Case& c : {
           Case{"/foo", "/xyz", "/foo/bar", "/xyz/bar"},
           Case{"/foo", "/xyz/", "/foo/bar", "/xyz/bar"},
           Case{"/foo/", "/xyz", "/foo/bar", "/xyz/bar"},
           Case{"/foo/", "/xyz/", "/foo/bar", "/xyz/bar"},
           Case{"/foo", "/xyz", "/foo", "/xyz"},
           Case{"/foo", "/xyz", "/foo/", "/xyz/"},
           Case{"/foo", "", "/foo/bar", "/bar"},
           Case{"/foo/", "", "/foo/bar", "/bar"},
           Case{"/foo", "", "/foo", "/"},
           Case{"/foo", "/", "/foo/bar", "/bar"},
           Case{"/foo", "/", "/foo", "/"},
           Case{"/", "/xyz", "/foo", "/xyz/foo"},
       }) {
    const auto route = sluice::routing::route("r", {uri(Kind::kPrefix, c.prefix)});
    EXPECT_EQ(by_path(PathKind::kPrefixSegments, c.text, route, c.path), c.becomes)
        << c.prefix << " -> " << c.text << ": " << c.path;
  }
}

TEST(Rewrite, KeepsTheQueryUnlessTheTextHasOne) {
  const auto route = sluice::routing::route("r", {uri(Kind::kPrefix, "/a")});
  EXPECT_EQ(by_path(PathKind::kPrefix, "/b", route, "/a/c", "q=1"), "/b/c?q=1");
  EXPECT_EQ(by_path(PathKind::kWhole, "/b?v=2", route, "/a/c", "q=1"), "/b?v=2");
}

TEST(Rewrite, ReplacesEveryMatchOfAnExpression) {
  struct Case {
    const char* pattern;
    const char* substitution;
    const char* path;
    const char* becomes;
  };
  for (const Case& c : {
           // Istio's own examples.
           Case{"^/service/([^/]+)(/.*)$", "\\2/instance/\\1", "/service/foo/v1/api",
                "/v1/api/instance/foo"},
           Case{"one", "two", "/xxx/one/yyy/one/zzz", "/xxx/two/yyy/two/zzz"},
           Case{"^(.*?)one(.*)$", "\\1two\\2", "/xxx/one/yyy/one/zzz", "/xxx/two/yyy/one/zzz"},
           Case{"(?i)/xxx/", "/yyy/", "/aaa/XxX/bbb", "/aaa/yyy/bbb"},
           // What does not match stays.
           Case{"/nothing", "/x", "/a/b", "/a/b"},
           // Matches of nothing.
           Case{"b*", "-", "/abb", "/-/-a-"},
           Case{".*", "/x", "/a", "/x"},
           Case{"$", "/end", "/a", "/a/end"},
           // \0 is the whole match, \\ a backslash; a group that is not there is empty.
           Case{"[0-9]+", "<\\0>", "/a/12/3", "/a/<12>/<3>"},
           Case{"a", "\\\\", "/a", "/\\"},
           Case{"a", "\\7x", "/a", "/x"},
           Case{"(a)|(b)", "[\\1\\2]", "/ab", "/[a][b]"},
           // A path begins with a slash.
           Case{"^/api/", "", "/api/v1", "/v1"},
       }) {
    const model::Rewrite rewrite{.regex = model::RegexRewrite{c.pattern, c.substitution}};
    EXPECT_EQ(rewritten(rewrite, route("r"), c.path, "q"), std::string(c.becomes) + "?q")
        << c.pattern << " " << c.path;
  }
}

TEST(Rewrite, StaysLinearAndBounded) {
  const std::string path = "/" + std::string(60'000, 'a');
  EXPECT_EQ(rewritten({.regex = model::RegexRewrite{"", std::string(100, 'x')}}, route("r"), path),
            "(too long)");
  EXPECT_EQ(rewritten({.regex = model::RegexRewrite{"(a*)*b", "x"}}, route("r"), path), path);
}

TEST(Rewrite, ReplacesTheHost) {
  const auto compiled = Rewrite::compile({.authority = "reviews.prod:8080"});
  ASSERT_TRUE(compiled);
  http::RequestHead head = request("shop.example.com", "/a", "", {{"Host", "shop.example.com"}});
  std::string scratch;
  ASSERT_TRUE(compiled->apply(std::nullopt, head, scratch));
  EXPECT_EQ(head.authority, "reviews.prod:8080");
  EXPECT_EQ(head.headers.get("Host"), "reviews.prod:8080");
  EXPECT_EQ(head.path, "/a");
}

TEST(Rewrite, LeavesTheAsteriskAlone) {
  EXPECT_EQ(by_path(PathKind::kWhole, "/new", route("r"), "*"), "*");
}

TEST(Rewrite, WhatIsWrongIsSaid) {
  const auto wrong = [](const model::Rewrite& rewrite) {
    return rewritten(rewrite, route("r"), "/a");
  };
  EXPECT_THAT(wrong({.path = model::PathRewrite{PathKind::kWhole, "/a b"}}), HasSubstr("%20"));
  EXPECT_THAT(wrong({.path = model::PathRewrite{PathKind::kWhole, "/a\r\nX: y"}}),
              HasSubstr("no path can have"));
  EXPECT_THAT(wrong({.regex = model::RegexRewrite{"(", "x"}}), HasSubstr("missing )"));
  EXPECT_THAT(wrong({.regex = model::RegexRewrite{"a", "x y"}}), HasSubstr("%20"));
  EXPECT_THAT(wrong({.authority = "a/b"}), HasSubstr("write HOST or HOST:PORT"));
}

}  // namespace
}  // namespace sluice::routing
