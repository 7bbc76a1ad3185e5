// SPDX-License-Identifier: Apache-2.0
// docs/http.md has a row for every reason the codec can give, with its status.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "agent/http/h1_reason.hpp"

namespace sluice::http {
namespace {

TEST(HttpDocs, ListEveryReasonWithItsStatus) {
  std::ifstream file(SLUICE_SOURCE_DIR "/docs/http.md");
  ASSERT_TRUE(file) << "docs/http.md is missing";
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
#define X(name, code, status, what)                                                     \
  if (status != 0) {                                                                    \
    EXPECT_NE(text.find(fmt::format("| `{}` | {} |", code, status)), std::string::npos) \
        << code << " has no row with status " << status;                                \
  }
  SLUICE_H1_REASONS(X)
#undef X
}

}  // namespace
}  // namespace sluice::http
