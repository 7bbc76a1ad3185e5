// SPDX-License-Identifier: Apache-2.0
#include "agent/http/path.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace sluice::http {
namespace {

std::string normalized(std::string path, PathForm form) {
  const PathChange change = normalize_path(path, form);
  const std::string reason = reason_of(change);
  return reason.empty() ? path : "400 " + reason;
}

// One row a rule. nullptr: as in the column before it.
struct Row {
  const char* received;
  const char* base;
  const char* merge_slashes;
  const char* decode_and_merge_slashes;
};
constexpr Row kRows[] = {
    // Plain paths stay as they are.
    {"/", "/", nullptr, nullptr},
    {"/shop/cart", "/shop/cart", nullptr, nullptr},
    {"/shop/", "/shop/", nullptr, nullptr},
    {"/.well-known/x", "/.well-known/x", nullptr, nullptr},
    {"/a..b/...", "/a..b/...", nullptr, nullptr},
    {"/a;v=1,2:@!$&'()*+=~_-.", "/a;v=1,2:@!$&'()*+=~_-.", nullptr, nullptr},

    // Dot segments: RFC 3986 5.2.4.
    {"/a/./b", "/a/b", nullptr, nullptr},
    {"/a/../b", "/b", nullptr, nullptr},
    {"/a/b/c/./../../g", "/a/g", nullptr, nullptr},
    {"/a/.", "/a/", nullptr, nullptr},
    {"/a/..", "/", nullptr, nullptr},
    {"/a/b/..", "/a/", nullptr, nullptr},
    {"/.", "/", nullptr, nullptr},

    // Above the root there is only the root.
    {"/..", "/", nullptr, nullptr},
    {"/../../etc/passwd", "/etc/passwd", nullptr, nullptr},
    {"/a/../../b", "/b", nullptr, nullptr},

    // Unreserved characters are decoded (RFC 3986 6.2.2.2), also where they make a dot segment; others keep their
    // encoding, in upper case (6.2.2.1).
    {"/%61dmin", "/admin", nullptr, nullptr},
    {"/%7Euser/%2D%5F%30", "/~user/-_0", nullptr, nullptr},
    {"/a/%2e%2E/admin", "/admin", nullptr, nullptr},
    {"/a/.%2e/admin", "/admin", nullptr, nullptr},
    {"/a%20b%c3%a4", "/a%20b%C3%A4", nullptr, nullptr},
    {"/a%3fb%23c", "/a%3Fb%23c", nullptr, nullptr},

    // Once: what decodes to a percent sign stays encoded.
    {"/%252e%252e/admin", "/%252e%252e/admin", nullptr, nullptr},
    {"/%2561", "/%2561", nullptr, nullptr},

    // Backslashes.
    {"/a\\b", "/a/b", nullptr, nullptr},
    {"/a\\..\\admin", "/admin", nullptr, nullptr},

    // Duplicate slashes are merged after dot segments.
    {"//", "//", "/", nullptr},
    {"//admin", "//admin", "/admin", nullptr},
    {"/a///b//", "/a///b//", "/a/b/", nullptr},
    {"/a//../admin", "/a/admin", nullptr, nullptr},
    {"/a/\\b", "/a//b", "/a/b", nullptr},

    // An encoded slash is a slash only where that is asked for; then before dot segments.
    {"/a%2Fb", "/a%2Fb", nullptr, "/a/b"},
    {"/a%2fb", "/a%2Fb", nullptr, "/a/b"},
    {"/a%5Cb%5c", "/a%5Cb%5C", nullptr, "/a/b/"},
    {"/a/..%2Fadmin", "/a/..%2Fadmin", nullptr, "/admin"},
    {"/a%2F%2fb", "/a%2F%2Fb", nullptr, "/a/b"},
    {"/a%252Fb", "/a%252Fb", nullptr, nullptr},

    // Refused: no two readers agree about these.
    {"/a%00", "400 path_encoded_nul", nullptr, nullptr},
    {"/a%00.png", "400 path_encoded_nul", nullptr, nullptr},
    {"/a%", "400 path_invalid_encoding", nullptr, nullptr},
    {"/a%2", "400 path_invalid_encoding", nullptr, nullptr},
    {"/a%zz", "400 path_invalid_encoding", nullptr, nullptr},
    {"/a%2gb", "400 path_invalid_encoding", nullptr, nullptr},
    {"/a%u0041", "400 path_invalid_encoding", nullptr, nullptr},

    // Not paths: OPTIONS *, CONNECT.
    {"*", "*", nullptr, nullptr},
    {"", "", nullptr, nullptr},
};

TEST(Path, HasOneFormInEachMode) {
  for (const Row& row : kRows) {
    const std::string base = row.base;
    const std::string merged = row.merge_slashes != nullptr ? row.merge_slashes : base;
    const std::string decoded =
        row.decode_and_merge_slashes != nullptr ? row.decode_and_merge_slashes : merged;
    EXPECT_EQ(normalized(row.received, PathForm::kAsReceived), row.received);
    EXPECT_EQ(normalized(row.received, PathForm::kBase), base) << row.received;
    EXPECT_EQ(normalized(row.received, PathForm::kMergeSlashes), merged) << row.received;
    EXPECT_EQ(normalized(row.received, PathForm::kDecodeAndMergeSlashes), decoded) << row.received;
  }
}

TEST(Path, APlainPathIsNotChanged) {
  std::string path = "/shop/cart";
  EXPECT_EQ(normalize_path(path, PathForm::kDecodeAndMergeSlashes), PathChange::kNone);
}

TEST(Path, LongPathsStayInTheirMemory) {
  std::string path = "/" + std::string(4000, 'a') + "/%2e%2e/b//%c3%a4";
  const char* const memory = path.data();
  EXPECT_EQ(normalize_path(path, PathForm::kMergeSlashes), PathChange::kChanged);
  EXPECT_EQ(path, "/b/%C3%A4");
  EXPECT_EQ(path.data(), memory);
}

// The pieces that have a meaning, in any order.
std::string any_path(std::mt19937& random) {
  static const std::vector<std::string> kPieces{"/",   "/",   "a",   ".",   "..",  "%2e",
                                                "%2F", "%5c", "\\",  "%41", "%20", "%252",
                                                "b/",  "//",  "/./", "/..", "%",   "%00"};
  std::string path = "/";
  for (auto left = random() % 12; left > 0; --left) path += kPieces[random() % kPieces.size()];
  return path;
}

TEST(Path, TheFormOfAFormIsItself) {
  std::mt19937 random(17);
  for (int i = 0; i < 50'000; ++i) {
    const std::string received = any_path(random);
    for (const PathForm form :
         {PathForm::kBase, PathForm::kMergeSlashes, PathForm::kDecodeAndMergeSlashes}) {
      const std::string once = normalized(received, form);
      if (once.starts_with("400")) continue;
      ASSERT_EQ(normalized(once, form), once) << received;
      ASSERT_TRUE(once.starts_with('/')) << received;
      ASSERT_EQ((once + "/").find("/../"), std::string::npos) << received;
      ASSERT_EQ(once.find('\\'), std::string::npos) << received;
      if (form == PathForm::kBase) continue;
      ASSERT_EQ(once.find("//"), std::string::npos) << received;
    }
  }
}

}  // namespace
}  // namespace sluice::http
