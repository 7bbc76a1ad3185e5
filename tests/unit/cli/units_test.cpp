// SPDX-License-Identifier: Apache-2.0
#include "cli/render/units.hpp"

#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

TEST(Units, BytesChangeUnitBeforeFourDigits) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1024), "1.0 KiB");
  EXPECT_EQ(human_bytes(1048575), "1.0 MiB");
  EXPECT_EQ(human_bytes(29'800'000), "28.4 MiB");
  EXPECT_EQ(human_bytes(~0ULL), "16.0 EiB");
}

TEST(Units, SecondsShowTwoParts) {
  EXPECT_EQ(human_seconds(0), "0.0s");
  EXPECT_EQ(human_seconds(9.99), "10s");
  EXPECT_EQ(human_seconds(185), "3m 5s");
  EXPECT_EQ(human_seconds(7800), "2h 10m");
  EXPECT_EQ(human_seconds(86400 * 4 + 3 * 3600), "4d 3h");
  EXPECT_EQ(human_seconds(-1), "-");
}

TEST(Units, PercentDropsZeros) {
  EXPECT_EQ(human_percent(80), "80 %");
  EXPECT_EQ(human_percent(0.1), "0.1 %");
  EXPECT_EQ(human_percent(100.0 / 3), "33.33 %");
  EXPECT_EQ(human_percent(0), "0 %");
}

TEST(Units, CountsAreGroupedAndAgreeInNumber) {
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(human_count(1, "object", "objects"), "1 object");
  EXPECT_EQ(human_count(0, "object", "objects"), "0 objects");
}

}  // namespace
}  // namespace sluice::cli
