// SPDX-License-Identifier: Apache-2.0
#include "agent/http/header_map.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::http {
namespace {

std::string text(const HeaderMap& map) {
  std::string out;
  for (std::size_t i = 0; i < map.size(); ++i) {
    out.append(map.at(i).name).append("=").append(map.at(i).value).append(";");
  }
  return out;
}

TEST(HeaderMap, KeepsOrderCaseAndDuplicates) {
  HeaderMap map;
  map.add("B", "1");
  map.add("a", "");
  map.add("b", "2");
  EXPECT_EQ(text(map), "B=1;a=;b=2;");
  EXPECT_EQ(map.get("b"), "1");
  EXPECT_EQ(map.get("A"), "");
  EXPECT_EQ(map.get("c"), std::nullopt);
}

TEST(HeaderMap, SetReplacesTheFirstAndDropsTheRest) {
  HeaderMap map;
  map.add("a", "1");
  map.add("b", "2");
  map.add("A", "3");
  map.set("A", "x");
  EXPECT_EQ(text(map), "A=x;b=2;");
  map.set("c", "y");
  EXPECT_EQ(text(map), "A=x;b=2;c=y;");
}

TEST(HeaderMap, RemoveSaysHowMany) {
  HeaderMap map;
  map.add("a", "1");
  map.add("b", "2");
  map.add("A", "3");
  EXPECT_EQ(map.remove("a"), 2U);
  EXPECT_EQ(map.remove("a"), 0U);
  EXPECT_EQ(text(map), "b=2;");
}

TEST(HeaderMap, JoinsLists) {
  HeaderMap map;
  map.add("Via", "a");
  map.add("via", "b, c");
  EXPECT_EQ(map.get_joined("VIA"), "a, b, c");
  EXPECT_EQ(map.get_joined("x"), std::nullopt);
}

TEST(HeaderMap, FindsTokensInLists) {
  HeaderMap map;
  map.add("Connection", "keep-alive , Close");
  map.add("connection", "x");
  EXPECT_TRUE(map.has_token("Connection", "close"));
  EXPECT_TRUE(map.has_token("Connection", "X"));
  EXPECT_FALSE(map.has_token("Connection", "clos"));
}

TEST(HeaderMap, TakesViewsIntoItself) {
  HeaderMap map;
  map.add("a", std::string(100, 'x'));
  for (int i = 0; i < 50; ++i) map.add(map.at(0).name, map.at(0).value);
  map.set("b", map.at(0).value);
  EXPECT_EQ(map.at(50).value, std::string(100, 'x'));
  EXPECT_EQ(map.get("b"), std::string(100, 'x'));
  map.set(map.at(51).name, map.at(51).value);
  EXPECT_EQ(map.get("b"), std::string(100, 'x'));
}

TEST(HeaderMap, ClearKeepsNothingVisible) {
  HeaderMap map;
  map.add("a", "1");
  map.clear();
  EXPECT_TRUE(map.empty());
  EXPECT_FALSE(map.has("a"));
}

}  // namespace
}  // namespace sluice::http
