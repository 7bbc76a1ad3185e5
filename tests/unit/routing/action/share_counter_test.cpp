// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/action/share_counter.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace sluice::routing {
namespace {

TEST(ShareCounter, NeverMissesTheShareByOne) {
  for (const double percent : {0.0, 0.0001, 0.1, 1.0, 10.0, 33.3333, 50.0, 66.6667, 99.9, 100.0}) {
    const model::Fraction share{static_cast<std::uint32_t>(std::lround(percent * 10'000))};
    ShareCounter counter;
    double hits = 0;
    for (int n = 1; n <= 20'000; ++n) {
      if (counter.next(share)) ++hits;
      ASSERT_LT(std::abs(hits - n * percent / 100), 1.0) << percent << " % after " << n;
    }
  }
}

TEST(ShareCounter, NoneAndAllAreExact) {
  ShareCounter counter;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(counter.next(model::Fraction{0}));
    EXPECT_TRUE(counter.next(model::Fraction{}));
  }
}

TEST(ShareCounter, AChangedShareCountsFromTheChangeOn) {
  ShareCounter counter;
  int hits = 0;
  for (int i = 0; i < 1000; ++i) hits += counter.next(model::Fraction{100'000}) ? 1 : 0;
  EXPECT_EQ(hits, 100);
  for (int i = 0; i < 1000; ++i) hits += counter.next(model::Fraction{250'000}) ? 1 : 0;
  EXPECT_EQ(hits, 350);
}

}  // namespace
}  // namespace sluice::routing
