// SPDX-License-Identifier: Apache-2.0
// docs/operations.md is complete: every reason that a metric or `lbctl` can show, and every metric family, has its row,
// and no row is left of one that is gone.
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "sample.hpp"

namespace sluice::app {
namespace {

std::string read_doc() {
  std::ifstream file(std::string(SLUICE_SOURCE_DIR) + "/docs/operations.md");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// First cells (`name`) of the table rows between a heading and the next heading of the same kind.
std::set<std::string> rows_under(const std::string& heading) {
  const std::string doc = read_doc();
  const std::size_t start = doc.find("\n" + heading + "\n");
  EXPECT_NE(start, std::string::npos) << "docs/operations.md has no \"" << heading << "\"";
  if (start == std::string::npos) return {};
  const std::size_t end = doc.find("\n## ", start + heading.size());
  std::istringstream section(doc.substr(start, end == std::string::npos ? end : end - start));
  std::set<std::string> rows;
  const std::regex row("^\\| `([a-z0-9_]+)`");
  for (std::string line; std::getline(section, line);) {
    std::smatch found;
    if (!std::regex_search(line, found, row)) continue;
    EXPECT_TRUE(rows.insert(found[1]).second) << found[1] << " has two rows under " << heading;
  }
  return rows;
}

TEST(OperationsDoc, HasARowForEveryMetricFamily) {
  std::set<std::string> families;
  for (const auto& family : metrics_view(test::sample_metrics())) families.insert(family.name);
  EXPECT_EQ(rows_under("## Metrics"), families);
}

#define LB_TEST_LABEL(name, label, help) label,

TEST(OperationsDoc, HasARowForEveryEnding) {
  EXPECT_EQ(rows_under("## Why Sluice answered or closed by itself"),
            (std::set<std::string>{LB_ENDINGS(LB_TEST_LABEL)}));
}

TEST(OperationsDoc, HasARowForEveryRefusal) {
  EXPECT_EQ(rows_under("## Why a connection was not handed to the kernel"),
            (std::set<std::string>{LB_REFUSALS(LB_TEST_LABEL)}));
}

TEST(OperationsDoc, HasARowForEveryReasonToComeBack) {
  EXPECT_EQ(rows_under("## Why a connection was taken back from the kernel"),
            (std::set<std::string>{LB_MOVES(LB_TEST_LABEL)}));
}

TEST(OperationsDoc, HasARowForEveryEndOfACarriedConnection) {
  EXPECT_EQ(rows_under("## How a connection ended in the kernel"),
            (std::set<std::string>{LB_CARRIED_ENDS(LB_TEST_LABEL)}));
}

TEST(OperationsDoc, HasARowForEveryKernelCounter) {
  EXPECT_EQ(rows_under("## What the kernel did with packets"),
            (std::set<std::string>{LB_COUNTERS(LB_TEST_LABEL)}));
}

TEST(OperationsDoc, HasARowForEveryAddressThatPodsSee) {
  EXPECT_EQ(rows_under("## Whose address pods see"),
            (std::set<std::string>{LB_SHOWN(LB_TEST_LABEL)}));
}

#undef LB_TEST_LABEL

}  // namespace
}  // namespace sluice::app
