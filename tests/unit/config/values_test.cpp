// SPDX-License-Identifier: Apache-2.0
// Values of fields that have a syntax of their own.
#include <gtest/gtest.h>

#include "agent/config/translate/base64.hpp"
#include "agent/config/translate/delegate_match.hpp"
#include "agent/config/translate/duration.hpp"

namespace sluice::config {
namespace {

using model::StringMatch;

TEST(Duration, IsReadAsIstioWritesIt) {
  using std::chrono::hours;
  using std::chrono::minutes;
  EXPECT_EQ(parse_duration("5s"), Nanoseconds{5'000'000'000});
  EXPECT_EQ(parse_duration("1.5s"), Nanoseconds{1'500'000'000});
  EXPECT_EQ(parse_duration("100ms"), Nanoseconds{100'000'000});
  EXPECT_EQ(parse_duration("1h30m"), Nanoseconds{hours{1} + minutes{30}});
  EXPECT_EQ(parse_duration("2us3ns"), Nanoseconds{2003});
  EXPECT_EQ(parse_duration("0"), Nanoseconds{0});
  EXPECT_EQ(parse_duration("8760h"), Nanoseconds{hours{8760}});
  for (const char* wrong : {"", "s", "5", "-5s", "5 s", "5s ", "1e3s", "infs", "nans", "5x",
                            "1.2.3s", "9999999999999h", "5S"}) {
    EXPECT_FALSE(parse_duration(wrong)) << wrong;
  }
}

TEST(Base64, IsReadAsRfc4648WritesIt) {
  EXPECT_EQ(decode_base64(""), "");
  EXPECT_EQ(decode_base64("Zg=="), "f");
  EXPECT_EQ(decode_base64("Zm8="), "fo");
  EXPECT_EQ(decode_base64("Zm9v"), "foo");
  EXPECT_EQ(decode_base64("Zm9v\nYmFy\n"), "foobar");
  EXPECT_EQ(decode_base64("/+8A"), std::string("\xff\xef\0", 3));
  for (const char* wrong : {"Z", "Zg", "Zg=", "Zg===", "Zg==Zg==", "Z!==", "====", "Zm9_"}) {
    EXPECT_FALSE(decode_base64(wrong)) << wrong;
  }
}

MatchSpec uri(StringMatch::Kind kind, std::string value, bool ignore_case = false) {
  MatchSpec out;
  out.match.uri = StringMatch{kind, std::move(value)};
  out.match.ignore_uri_case = ignore_case;
  return out;
}

TEST(DelegateMatch, ADelegateMayOnlyNarrowWhatItsRootTakes) {
  const auto prefix = [](std::string text) {
    return uri(StringMatch::Kind::kPrefix, std::move(text));
  };
  const auto exact = [](std::string text) {
    return uri(StringMatch::Kind::kExact, std::move(text));
  };
  const auto regex = [](std::string text) {
    return uri(StringMatch::Kind::kRegex, std::move(text));
  };
  EXPECT_FALSE(match_conflict(prefix("/a"), prefix("/a/b")));
  EXPECT_FALSE(match_conflict(prefix("/a"), exact("/ab")));
  EXPECT_FALSE(match_conflict(exact("/a"), exact("/a")));
  EXPECT_FALSE(match_conflict(prefix("/a"), {}));
  EXPECT_FALSE(match_conflict({}, regex(".*")));
  EXPECT_FALSE(match_conflict(regex("/a.*"), regex("/a.*")));
  EXPECT_FALSE(match_conflict(uri(StringMatch::Kind::kPrefix, "/A", true),
                              uri(StringMatch::Kind::kPrefix, "/a/b", true)));
  EXPECT_EQ(match_conflict(prefix("/a/b"), prefix("/a")), "uri");
  EXPECT_EQ(match_conflict(prefix("/a"), exact("/b")), "uri");
  EXPECT_EQ(match_conflict(exact("/a"), prefix("/a")), "uri");
  EXPECT_EQ(match_conflict(prefix("/a"), regex("/a/.*")), "uri");
  EXPECT_EQ(match_conflict(prefix("/a"), uri(StringMatch::Kind::kPrefix, "/a", true)),
            "ignoreUriCase");
}

TEST(DelegateMatch, NothingThatTheRootKeepsOutIsLetIn) {
  MatchSpec root;
  root.match.without_headers = {{"x-block", {StringMatch::Kind::kExact, "1"}}};
  root.match.headers = {{"x-team", {StringMatch::Kind::kPresent, {}}}};
  root.match.port = 80;
  MatchSpec leaf;
  leaf.match.without_headers = {{"x-block", {StringMatch::Kind::kExact, "2"}}};
  leaf.match.headers = {{"x-team", {StringMatch::Kind::kExact, "blue"}}};
  ASSERT_FALSE(match_conflict(root, leaf));
  const MatchSpec both = merge_match(root, leaf);
  EXPECT_EQ(both.match.without_headers.size(), 2U);
  ASSERT_EQ(both.match.headers.size(), 1U);
  EXPECT_EQ(both.match.headers[0].match.value, "blue");
  EXPECT_EQ(both.match.port, 80);
  std::swap(root, leaf);
  EXPECT_EQ(match_conflict(root, leaf), "headers[\"x-team\"]");
}

}  // namespace
}  // namespace sluice::config
