// SPDX-License-Identifier: Apache-2.0
// Times as Kubernetes writes them, against values from date(1).
#include "agent/config/translate/timestamp.hpp"

#include <gtest/gtest.h>

namespace sluice::config {
namespace {

TEST(Timestamp, CountsSecondsSince1970) {
  EXPECT_EQ(parse_timestamp("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_timestamp("2024-02-29T12:30:45Z"), 1709209845);
  EXPECT_EQ(parse_timestamp("2026-11-24T09:51:46.123456Z"), 1795513906);
  EXPECT_EQ(parse_timestamp("1969-12-31T23:59:59Z"), -1);
}

TEST(Timestamp, TakesOffsetsOff) {
  EXPECT_EQ(parse_timestamp("2024-02-29T13:30:45+01:00"), 1709209845);
  EXPECT_EQ(parse_timestamp("2024-02-29T09:00:45-03:30"), 1709209845);
}

TEST(Timestamp, RefusesWhatIsNone) {
  for (const char* text :
       {"", "now", "2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z",
        "2024-01-01", "2024-01-01 00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:00", "2024-01-01T00:00:00+25:00", "2024-01-01T00:00:00ZZ",
        "-024-01-01T00:00:00Z", "2024-+1-01T00:00:00Z", "2024-01-01T00:00:00+1:000"}) {
    EXPECT_FALSE(parse_timestamp(text)) << text;
  }
}

}  // namespace
}  // namespace sluice::config
