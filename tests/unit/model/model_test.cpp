// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "agent/model/world.hpp"

namespace sluice::model {
namespace {

TEST(Diagnostic, ReadsAsOneLineThatNamesPlaceObjectAndFix) {
  Diagnostic diagnostic;
  diagnostic.code = "unknown_field";
  diagnostic.message = "no field \"gateway\"";
  diagnostic.hint = "did you mean \"gateways\"?";
  diagnostic.origin = {"echo.yaml", 7, 3, "VirtualService default/echo", "spec.gateway"};
  EXPECT_EQ(to_string(diagnostic),
            "echo.yaml:7:3: error: VirtualService default/echo spec.gateway: no field \"gateway\"; "
            "did you mean \"gateways\"? [unknown_field]");
  diagnostic = {};
  diagnostic.severity = Severity::kUnsupported;
  diagnostic.message = "m";
  diagnostic.origin.file = "a.yaml";
  EXPECT_EQ(to_string(diagnostic), "a.yaml: unsupported: m");
}

TEST(Origin, LocationLeavesOutAnUnknownLine) {
  EXPECT_EQ(location({"a.yaml", 7, 3, "", ""}), "a.yaml:7");
  EXPECT_EQ(location({"kube", 0, 0, "", ""}), "kube");
}

TEST(SteerAfter, Parses) {
  using Mode = SteerAfter::Mode;
  EXPECT_EQ(SteerAfter::parse("never"), (SteerAfter{Mode::kNever, 0}));
  EXPECT_EQ(SteerAfter::parse("auto"), (SteerAfter{Mode::kAuto, 1}));
  EXPECT_EQ(SteerAfter::parse("1"), (SteerAfter{Mode::kCount, 1}));
  EXPECT_EQ(SteerAfter::parse("1000000"), (SteerAfter{Mode::kCount, 1'000'000}));
  for (const char* bad : {"", "0", "1000001", "-1", "1.5", "Auto", "3 ", "99999999999"}) {
    EXPECT_FALSE(SteerAfter::parse(bad)) << bad;
  }
}

TEST(RouteMatch, UnconditionalMeansNoConditionAtAll) {
  RouteMatch match;
  match.name = "a name is no condition";
  EXPECT_TRUE(match.unconditional());
  match.without_headers.push_back({"x", {}});
  EXPECT_FALSE(match.unconditional());
}

}  // namespace
}  // namespace sluice::model
