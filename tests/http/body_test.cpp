// SPDX-License-Identifier: Apache-2.0
// Bodies: chunks, extensions, trailers, and where a message ends.
#include <gtest/gtest.h>

#include <string>

#include "tests/http/feed.hpp"

namespace sluice::http::testing {
namespace {

const std::string kChunkedHead = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string body_of(const Transcript& seen) {
  const std::size_t at = seen.events.find("body='");
  return seen.events.substr(at + 6, seen.events.find('\'', at + 6) - at - 6);
}

TEST(Chunked, DecodesAndStopsBehindTheLastLine) {
  const Transcript seen =
      feed_requests(kChunkedHead + "5\r\nhello\r\n00A\r\n, worldly!\r\n0\r\n\r\n");
  EXPECT_EQ(seen.messages, 1U) << seen.events;
  EXPECT_EQ(body_of(seen), "hello, worldly!");
}

TEST(Chunked, IgnoresExtensions) {
  const Transcript seen =
      feed_requests(kChunkedHead + "1;a\r\nx\r\n1;b=c\r\ny\r\n0;d=\"e f\"\r\n\r\n");
  EXPECT_EQ(body_of(seen), "xy") << seen.events;
  EXPECT_EQ(seen.messages, 1U);
}

TEST(Chunked, DiscardsTrailersOnceChecked) {
  const Transcript seen =
      feed_requests(kChunkedHead + "1\r\nx\r\n0\r\nHost: evil\r\nX-Sum: 1\r\n\r\nGET");
  EXPECT_EQ(seen.messages, 1U) << seen.events;
  EXPECT_EQ(seen.events.find("evil"), std::string::npos);
}

TEST(Length, TakesExactlyTheBody) {
  H1RequestParser parser;
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
  ASSERT_EQ(parser.next(head).event, H1Event::kHead);
  EXPECT_EQ(parser.next("").event, H1Event::kNeedMore);
  const H1Progress body = parser.next("abcGET / ");
  EXPECT_EQ(body.event, H1Event::kBody);
  EXPECT_EQ(body.body, "abc");
  EXPECT_EQ(body.consumed, 3U);
  EXPECT_EQ(parser.next("GET / ").event, H1Event::kComplete);
}

TEST(Length, HugeBodyIsCountedIn64Bits) {
  H1RequestParser parser;
  ASSERT_EQ(parser.next("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4294967297\r\n\r\n").event,
            H1Event::kHead);
  EXPECT_EQ(parser.next("x").event, H1Event::kBody);
  EXPECT_EQ(parser.next("").event, H1Event::kNeedMore);
}

struct Case {
  const char* name;
  std::string body;
  const char* reason;
  int status = 400;
};
class ChunkedReject : public ::testing::TestWithParam<Case> {};

TEST_P(ChunkedReject, WithReason) {
  const Transcript seen = feed_requests(kChunkedHead + GetParam().body);
  EXPECT_EQ(seen.reason, GetParam().reason) << seen.events;
  EXPECT_EQ(seen.status, GetParam().status);
  EXPECT_EQ(seen.messages, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    All, ChunkedReject,
    ::testing::Values(
        Case{"SizeEmpty", "\r\nx", "invalid_chunk_size"},
        Case{"SizeNotHex", "g\r\n", "invalid_chunk_size"},
        Case{"SizeNegative", "-1\r\n", "invalid_chunk_size"},
        Case{"SizeWithPrefix", "0x5\r\nhello\r\n", "invalid_chunk_size"},
        Case{"SizeSpaceBefore", " 5\r\nhello\r\n", "invalid_chunk_size"},
        Case{"SizeSpaceBehind", "5 \r\nhello\r\n", "invalid_chunk_size"},
        Case{"SizeOverflow", "10000000000000000\r\n", "invalid_chunk_size"},
        Case{"SizeLineBareLf", "5\nhello\r\n", "invalid_chunk_size"},
        Case{"SizeLineLoneCr", "5\rhello", "invalid_chunk_extension"},
        Case{"ExtensionWithLf", "5;a\nhello\r\n", "invalid_chunk_extension"},
        Case{"ExtensionWithNul", std::string("5;a\0\r\n", 6), "invalid_chunk_extension"},
        Case{"ExtensionWithSpace", "5; a\r\nhello\r\n", "invalid_chunk_extension"},
        Case{"ExtensionTooLong", "5;" + std::string(2000, 'a') + "\r\n", "chunk_line_too_long"},
        Case{"SizeTooManyZeros", std::string(2000, '0') + "\r\n", "chunk_line_too_long"},
        Case{"DataTooLong", "1\r\nxy\r\n0\r\n\r\n", "chunk_not_terminated"},
        Case{"DataEndBareLf", "1\r\nx\n0\r\n\r\n", "chunk_not_terminated"},
        Case{"DataEndLoneCr", "1\r\nx\r0\r\n\r\n", "chunk_not_terminated"},
        Case{"TrailerBareLfEnd", "0\r\n\n", "bare_lf"},
        Case{"TrailerBareLf", "0\r\nA: b\n\r\n", "bare_lf"},
        Case{"TrailerObsFold", "0\r\nA: b\r\n c\r\n\r\n", "obs_fold"},
        Case{"TrailerSpaceBeforeColon", "0\r\nA : b\r\n\r\n", "space_before_colon"},
        Case{"TrailerEmptyName", "0\r\n: b\r\n\r\n", "empty_field_name"},
        Case{"TrailerControl", "0\r\nA: \x02\r\n\r\n", "invalid_field_value"},
        Case{"TrailerLoneCr", "0\r\nA: b\rC: d\r\n\r\n", "bare_cr"},
        Case{"TrailersTooLarge", "0\r\nA: " + std::string(17000, 'b') + "\r\n\r\n",
             "trailers_too_large", 431},
        Case{"RequestHiddenBehindLastChunk", "0\r\nGET /admin HTTP/1.1\r\n\r\n",
             "invalid_field_name"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace sluice::http::testing
