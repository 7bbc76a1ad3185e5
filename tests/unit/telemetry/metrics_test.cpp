// SPDX-License-Identifier: Apache-2.0
#include "agent/telemetry/metrics.hpp"

#include <gtest/gtest.h>

namespace sluice::telemetry {
namespace {

TEST(Metrics, CountersAndGaugesInTextFormat) {
  const std::string text =
      to_prometheus_text({{"sluice_x_total",
                           "Things.",
                           Family::Type::kCounter,
                           {{{{"reason", "a"}}, 3}, {{{"reason", "b"}}, 0}}},
                          {"sluice_y", "Level.", Family::Type::kGauge, {{{}, 0.5}}}});
  EXPECT_EQ(text,
            "# HELP sluice_x_total Things.\n# TYPE sluice_x_total counter\n"
            "sluice_x_total{reason=\"a\"} 3\nsluice_x_total{reason=\"b\"} 0\n"
            "# HELP sluice_y Level.\n# TYPE sluice_y gauge\nsluice_y 0.5\n");
}

TEST(Metrics, HistogramsCountFromTheSmallestBoundOn) {
  const std::string text = to_prometheus_text({{"sluice_s",
                                                "Time.",
                                                Family::Type::kHistogram,
                                                {{{{"c", "a"}}, 7.5, {{1, 2}, {5, 1}}, 1}}}});
  EXPECT_EQ(text,
            "# HELP sluice_s Time.\n# TYPE sluice_s histogram\n"
            "sluice_s_count{c=\"a\"} 4\nsluice_s_sum{c=\"a\"} 7.5\n"
            "sluice_s_bucket{c=\"a\",le=\"1\"} 2\nsluice_s_bucket{c=\"a\",le=\"5\"} 3\n"
            "sluice_s_bucket{c=\"a\",le=\"+Inf\"} 4\n");
}

TEST(Metrics, AFamilyWithoutSamplesIsStillDescribed) {
  EXPECT_EQ(to_prometheus_text({{"sluice_z", "None.", Family::Type::kGauge, {}}}),
            "# HELP sluice_z None.\n# TYPE sluice_z gauge\n");
}

TEST(Metrics, LabelsAndHelpCannotForgeLines) {
  const std::string text = to_prometheus_text(
      {{"sluice_x", "a\nsluice_forged 1\\", Family::Type::kGauge, {{{{"l", "q\"\n\\"}}, 1}}}});
  EXPECT_EQ(text,
            "# HELP sluice_x a\\nsluice_forged 1\\\\\n# TYPE sluice_x gauge\n"
            "sluice_x{l=\"q\\\"\\n\\\\\"} 1\n");
}

TEST(Metrics, LargeCountersKeepEveryDigit) {
  const std::string text = to_prometheus_text(
      {{"sluice_x_total", "h", Family::Type::kCounter, {{{}, 1234567890123.0}}}});
  EXPECT_NE(text.find("sluice_x_total 1234567890123\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace sluice::telemetry
