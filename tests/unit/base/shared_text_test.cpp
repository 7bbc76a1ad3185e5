// SPDX-License-Identifier: Apache-2.0
#include "agent/base/shared_text.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <thread>
#include <vector>

namespace sluice {
namespace {

TEST(SharedText, EqualTextsAreOneObject) {
  const SharedText a("VirtualService default/echo");
  const SharedText b(std::string("VirtualService default/echo"));
  EXPECT_EQ(&a.str(), &b.str());
  EXPECT_EQ(a, b);
  EXPECT_NE(a, SharedText("VirtualService default/shop"));
  EXPECT_EQ(a, "VirtualService default/echo");
  EXPECT_EQ(sizeof a, sizeof(void*));
}

TEST(SharedText, NoTextIsTheEmptyOne) {
  EXPECT_TRUE(SharedText().empty());
  EXPECT_EQ(SharedText(""), SharedText());
  EXPECT_EQ(SharedText(), "");
  EXPECT_FALSE(SharedText("a").empty());
}

TEST(SharedText, ReadsAsTextAndIsOrderedByIt) {
  const SharedText text("b");
  EXPECT_EQ(fmt::format("{:>3}", text), "  b");
  const std::string copy = text;
  EXPECT_EQ(copy, "b");
  EXPECT_LT(SharedText("a"), text);
  EXPECT_LT(SharedText(), text);
}

TEST(SharedText, IsForgottenWithItsLastUser) {
  const std::size_t before = SharedText::count();
  {
    SharedText one("forgotten with its last user");
    const SharedText two = one;
    EXPECT_EQ(SharedText::count(), before + 1);
    one = SharedText("another");
    EXPECT_EQ(SharedText::count(), before + 2);
    EXPECT_EQ(two, "forgotten with its last user");
  }
  EXPECT_EQ(SharedText::count(), before);
}

// The last user may go on one thread while another one finds the text.
TEST(SharedText, IsMadeAndForgottenOnManyThreads) {
  const std::size_t before = SharedText::count();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int round = 0; round < 20'000; ++round) {
        const SharedText text(round % 2 == 0 ? "even" : "odd");
        const SharedText copy = text;
        ASSERT_EQ(copy, round % 2 == 0 ? "even" : "odd");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(SharedText::count(), before);
}

}  // namespace
}  // namespace sluice
