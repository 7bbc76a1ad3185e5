// SPDX-License-Identifier: Apache-2.0
// Preflight: every answer has a reason, and what is lacking is said in a sentence.
#include "agent/datapath/preflight.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

namespace sluice::datapath {
namespace {

TEST(Preflight, WithoutAPinDirectoryThereIsNoKernelPathAndAReason) {
  const PreflightReport report = run_preflight("");
  EXPECT_FALSE(report.kernel_path);
  EXPECT_NE(report.reason, "");
  for (const Probe& probe : report.probes) EXPECT_NE(probe.detail, "") << probe.name;
}

TEST(Preflight, ADirectoryElsewhereThanOnABpffsIsNamed) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const PreflightReport report = run_preflight("/tmp");
  EXPECT_FALSE(report.kernel_path);
  EXPECT_NE(report.reason.find("bpffs"), std::string::npos) << report.reason;
}

// In a child, because privileges do not come back.
TEST(Preflight, WithoutPrivilegesItSaysWhichOnesAreMissing) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(9);
    const PreflightReport report = run_preflight("/sys/fs/bpf/sluice");
    const bool named = report.reason.starts_with("cap_bpf: missing");
    const bool tried_more =
        std::ranges::any_of(report.probes, [](const Probe& p) { return p.name == "sk_lookup"; });
    ::_exit(!report.kernel_path && named && !tried_more ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace sluice::datapath
