// SPDX-License-Identifier: Apache-2.0
// Preflight: every answer has a reason, and what is lacking is said in a sentence.
#include "agent/datapath/preflight.hpp"

#include <gtest/gtest.h>

namespace sluice::datapath {
namespace {

TEST(Preflight, WithoutAPinDirectoryThereIsNoKernelPathAndAReason) {
  const PreflightReport report = run_preflight("");
  EXPECT_FALSE(report.kernel_path);
  EXPECT_NE(report.reason, "");
  for (const Probe& probe : report.probes) EXPECT_NE(probe.detail, "") << probe.name;
}

}  // namespace
}  // namespace sluice::datapath
