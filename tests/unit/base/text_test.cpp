// SPDX-License-Identifier: Apache-2.0
#include "agent/base/text.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Closest, FindsTheLikelyWord) {
  const std::string_view fields[] = {"hosts", "gateways", "http", "exportTo"};
  EXPECT_EQ(closest("Gateways", fields), "gateways");
  EXPECT_EQ(closest("gatways", fields), "gateways");
  EXPECT_EQ(closest("host", fields), "hosts");
  EXPECT_EQ(closest("loadBalancer", fields), "");
  EXPECT_EQ(closest("", fields), "");
}

TEST(EqualsIgnoreCase, IsAsciiOnly) {
  EXPECT_TRUE(equals_ignore_case("Content-Length", "content-LENGTH"));
  EXPECT_FALSE(equals_ignore_case("[", "{"));
  EXPECT_FALSE(equals_ignore_case("a", "ab"));
}

TEST(Trim, RemovesSpacesAndTabsOnly) {
  EXPECT_EQ(trim(" \ta b\t "), "a b");
  EXPECT_EQ(trim("\n"), "\n");
}

}  // namespace
}  // namespace sluice
