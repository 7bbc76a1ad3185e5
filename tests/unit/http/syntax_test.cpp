// SPDX-License-Identifier: Apache-2.0
#include "agent/http/syntax.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::http {
namespace {

// RFC 9110 5.6.2, written as the RFC does, against the table.
TEST(Syntax, TokenCharactersAreThoseOfTheRfc) {
  for (int c = 0; c < 256; ++c) {
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool expected =
        alnum ||
        (c != 0 && std::string("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string::npos);
    EXPECT_EQ(is_token(std::string(1, static_cast<char>(c))), expected) << c;
  }
  EXPECT_FALSE(is_token(""));
}

// At every offset: the check takes eight bytes a step.
TEST(Syntax, FieldValueRefusesControlsWhereverTheyStand) {
  for (int c = 0; c < 256; ++c) {
    const bool expected = (c >= 0x20 && c != 0x7f) || c == '\t';
    for (std::size_t at = 0; at < 19; ++at) {
      std::string value(19, '\xff');
      value[at] = static_cast<char>(c);
      ASSERT_EQ(is_field_value(value), expected) << c << " at " << at;
    }
  }
}

TEST(Syntax, ListElements) {
  std::string_view rest = "a, b\t,,c ";
  EXPECT_EQ(next_list_element(rest), "a");
  EXPECT_EQ(next_list_element(rest), "b");
  EXPECT_EQ(next_list_element(rest), "");
  EXPECT_EQ(next_list_element(rest), "c");
  EXPECT_EQ(rest.data(), nullptr);
}

}  // namespace
}  // namespace sluice::http
