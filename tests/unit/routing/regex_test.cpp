// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <chrono>

#include "agent/routing/regex.hpp"
#include "tests/unit/routing/builders.hpp"

namespace sluice::routing {
namespace {

using testing::HasSubstr;

TEST(Regex, ABadOneIsNamedWithItsPlace) {
  auto match = uri(Kind::kRegex, "/a(b");
  match.origin.file = "shop.yaml";
  match.origin.line = 12;
  const auto table =
      RouteTable::compile(shared({virtual_host("default/shop", {"*"}, {route("r", {match})})}), 80);
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(table.error().message, HasSubstr("shop.yaml:12"));
  EXPECT_THAT(table.error().message, HasSubstr("missing ): /a(b"));
}

TEST(Regex, CheckSaysWhatIsWrong) {
  EXPECT_FALSE(check_regex("/v[0-9]+"));
  EXPECT_TRUE(check_regex("["));
  EXPECT_THAT(check_regex("(?=a)b").value_or(""), HasSubstr("look-around"));
  EXPECT_THAT(check_regex("((a{1000}){1000}){1000}").value_or(""), HasSubstr("repetition"));
  EXPECT_THAT(check_regex(std::string(100'000, 'a')).value_or(""), HasSubstr("too long"));
}

TEST(Regex, ASubstitutionNamesOnlyGroupsThatExist) {
  EXPECT_FALSE(check_rewrite("^/service/([^/]+)(/.*)$", R"(/\2/\1)"));
  EXPECT_TRUE(check_rewrite("[", "/"));
  EXPECT_THAT(check_rewrite("/(a)/", R"(/\2)").value_or(""), HasSubstr("parenthesized"));
  EXPECT_TRUE(check_rewrite("/a", R"(/\x)"));
}

TEST(Regex, ExpressionsThatExplodeElsewhereStayLinear) {
  const auto regex = Regex::compile("(a*)*b");
  ASSERT_TRUE(regex);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE((*regex)->matches(std::string(60'000, 'a')));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST(Regex, EqualExpressionsAreCompiledOnce) {
  RegexPool pool;
  const auto a = pool.get("/a.*");
  const auto b = pool.get("/a.*");
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->get(), b->get());
}

}  // namespace
}  // namespace sluice::routing
