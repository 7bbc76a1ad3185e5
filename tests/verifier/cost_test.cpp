// SPDX-License-Identifier: Apache-2.0
// Programs must not become more expensive to verify without anyone noticing: docs/verifier-log.md is the record.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "tools/verifier/costs.hpp"

namespace sluice::verifier {
namespace {

TEST(VerifierCost, StaysWithinFivePercentOfTheLog) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  std::ifstream file(std::string(SLUICE_SOURCE_DIR) + "/docs/verifier-log.md");
  std::stringstream text;
  text << file.rdbuf();
  const auto log = from_markdown(text.str());
  ASSERT_TRUE(log) << "docs/verifier-log.md is missing or unreadable: run tools/verifier/update";
  const auto costs = measure();
  ASSERT_FALSE(costs.empty()) << "the kernel does not load the programs";
  EXPECT_EQ(costs.size(), log->costs.size()) << "run tools/verifier/update";
  const double allowed = log->release == kernel_release() ? 1.05 : 2;
  for (const Cost& cost : costs) {
    const auto recorded = std::ranges::find(log->costs, cost.program, &Cost::program);
    ASSERT_NE(recorded, log->costs.end()) << cost.program << ": run tools/verifier/update";
    EXPECT_LE(static_cast<double>(cost.verified), static_cast<double>(recorded->verified) * allowed)
        << cost.program << ": if that is meant, run tools/verifier/update";
  }
}

TEST(VerifierCost, TheLogCanBeReadBack) {
  const auto log =
      from_markdown(to_markdown({{.program = "lb_x", .verified = 12, .instructions = 3}}, "6.18"));
  ASSERT_TRUE(log);
  EXPECT_EQ(log->release, "6.18");
  ASSERT_EQ(log->costs.size(), 1U);
  EXPECT_EQ(log->costs[0].program, "lb_x");
  EXPECT_EQ(log->costs[0].verified, 12U);
}

}  // namespace
}  // namespace sluice::verifier
