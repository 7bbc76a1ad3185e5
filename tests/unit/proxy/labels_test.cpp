// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "agent/proxy/steering.hpp"
#include "agent/proxy/worker_report.hpp"

namespace sluice::proxy {
namespace {

template <typename Enum>
void expect_distinct_labels() {
  std::set<std::string> labels;
  const auto count = static_cast<std::size_t>(Enum::kCount);
  for (std::size_t i = 0; i < count; ++i) labels.insert(label_of(static_cast<Enum>(i)));
  EXPECT_EQ(labels.size(), count);
  EXPECT_FALSE(labels.contains("unknown"));
}

TEST(Labels, AreDistinct) {
  expect_distinct_labels<Refusal>();
  expect_distinct_labels<Ending>();
}

TEST(Labels, NameTheReason) {
  EXPECT_STREQ(label_of(Refusal::kClientUnacked), "client_unacked");
  EXPECT_STREQ(label_of(Ending::kNoRoute), "no_route");
}

}  // namespace
}  // namespace sluice::proxy
