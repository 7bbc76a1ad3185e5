// SPDX-License-Identifier: Apache-2.0
#include "agent/base/boxed.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

TEST(Boxed, TakesOnePointerWhateverItHolds) {
  struct Large {
    char bytes[1000];
  };
  EXPECT_EQ(sizeof(Boxed<Large>), sizeof(void*));
}

TEST(Boxed, IsAsAnOptional) {
  Boxed<std::string> none;
  EXPECT_FALSE(none);
  EXPECT_EQ(none.value_or("other"), "other");
  Boxed<std::string> some = std::string("text");
  ASSERT_TRUE(some.has_value());
  EXPECT_EQ(*some, "text");
  EXPECT_EQ(some->size(), 4U);
  EXPECT_NE(some, none);
  some = std::optional<std::string>();
  EXPECT_EQ(some, none);
  some.emplace(2, 'x');
  EXPECT_EQ(some, Boxed<std::string>(std::string("xx")));
  some.reset();
  EXPECT_FALSE(some);
}

TEST(Boxed, CopiesAreTheirOwn) {
  Boxed<std::string> one = std::string("one");
  Boxed<std::string> two = one;
  EXPECT_EQ(one, two);
  *two = "two";
  EXPECT_EQ(*one, "one");
  one = two;
  EXPECT_EQ(*one, "two");
}

}  // namespace
}  // namespace sluice
