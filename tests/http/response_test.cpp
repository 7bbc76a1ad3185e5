// SPDX-License-Identifier: Apache-2.0
// Responses: framing by status and request method, and what an upstream may not send.
#include <gtest/gtest.h>

#include <string>

#include "tests/http/feed.hpp"

namespace sluice::http::testing {
namespace {

ResponseHead parse(const std::string& bytes, std::string_view method = "GET") {
  H1ResponseParser parser;
  parser.reset(method);
  const H1Progress progress = parser.next(bytes);
  EXPECT_EQ(progress.event, H1Event::kHead) << bytes << parser.error().message;
  return parser.head();
}

TEST(Response, HeadSaysStatusReasonAndFields) {
  const ResponseHead head =
      parse("HTTP/1.1 299 Odd, \xe4 one\r\nX: y\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(head.status, 299);
  EXPECT_EQ(head.reason, "Odd, \xe4 one");
  EXPECT_EQ(head.headers.get("x"), "y");
  EXPECT_EQ(head.body, BodyKind::kLength);
  EXPECT_EQ(head.content_length, 5U);
  EXPECT_TRUE(head.keep_alive);
}

TEST(Response, ReasonMayBeEmptyWithAndWithoutItsSpace) {
  EXPECT_EQ(parse("HTTP/1.1 200 \r\n\r\n").reason, "");
  EXPECT_EQ(parse("HTTP/1.1 200\r\n\r\n").status, 200);
}

TEST(Response, BodylessByMethodOrStatus) {
  const std::string sized = "\r\nContent-Length: 5\r\n\r\n";
  EXPECT_EQ(parse("HTTP/1.1 200 OK" + sized, "HEAD").body, BodyKind::kNone);
  EXPECT_EQ(parse("HTTP/1.1 200 OK" + sized, "HEAD").content_length, 5U);
  EXPECT_EQ(parse("HTTP/1.1 304 Not Modified" + sized).body, BodyKind::kNone);
  EXPECT_EQ(parse("HTTP/1.1 204 No Content\r\n\r\n").body, BodyKind::kNone);
  EXPECT_EQ(parse("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n").body, BodyKind::kNone);
  EXPECT_EQ(parse("HTTP/1.1 100 Continue\r\n\r\n").body, BodyKind::kNone);
  EXPECT_EQ(parse("HTTP/1.1 200 OK" + sized, "CONNECT").body, BodyKind::kNone);
  EXPECT_EQ(parse("HTTP/1.1 407 Auth" + sized, "CONNECT").body, BodyKind::kLength);
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HEAD").body,
            BodyKind::kNone);
}

TEST(Response, InterimThenFinal) {
  const Transcript seen = feed_responses(
      "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_EQ(seen.messages, 2U) << seen.events;
}

TEST(Response, UntilCloseEndsWithTheConnection) {
  const Transcript seen = feed_responses("HTTP/1.1 200 OK\r\n\r\nabc", "GET", true, every(1));
  EXPECT_NE(seen.events.find("body='abc'"), std::string::npos) << seen.events;
  EXPECT_EQ(seen.messages, 1U);
  EXPECT_FALSE(parse("HTTP/1.1 200 OK\r\n\r\n").keep_alive);
}

TEST(Response, CloseInsideAMessageIsTruncation) {
  for (const char* bytes :
       {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
    const Transcript seen = feed_responses(bytes, "GET", true);
    EXPECT_NE(seen.events.find("truncated"), std::string::npos) << bytes;
    EXPECT_EQ(seen.messages, 0U);
  }
}

TEST(Response, ChunkedBody) {
  const Transcript seen = feed_responses(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n");
  EXPECT_NE(seen.events.find("body='ok' complete"), std::string::npos) << seen.events;
}

struct Case {
  const char* name;
  std::string bytes;
  const char* reason;
};
class ResponseReject : public ::testing::TestWithParam<Case> {};

TEST_P(ResponseReject, With502) {
  const Transcript seen = feed_responses(GetParam().bytes);
  EXPECT_EQ(seen.reason, GetParam().reason) << seen.events;
  EXPECT_EQ(seen.status, 502);
}

std::string ok(const std::string& fields) { return "HTTP/1.1 200 OK\r\n" + fields + "\r\n"; }

INSTANTIATE_TEST_SUITE_P(
    All, ResponseReject,
    ::testing::Values(
        Case{"NotHttp", "SSH-2.0-x\r\n", "invalid_status_line"},
        Case{"EmptyLineFirst", "\r\nHTTP/1.1 200 OK\r\n\r\n", "invalid_status_line"},
        Case{"Version20", "HTTP/2.0 200 OK\r\n\r\n", "http2_version_in_http1"},
        Case{"Version12", "HTTP/1.2 200 OK\r\n\r\n", "invalid_version"},
        Case{"Version30", "HTTP/3.0 200 OK\r\n\r\n", "unsupported_version"},
        Case{"VersionOnly", "HTTP/1.1\r\n\r\n", "invalid_status_line"},
        Case{"StatusTwoDigits", "HTTP/1.1 20 OK\r\n\r\n", "invalid_status_code"},
        Case{"StatusFourDigits", "HTTP/1.1 2000 OK\r\n\r\n", "invalid_status_code"},
        Case{"StatusBelow100", "HTTP/1.1 099 OK\r\n\r\n", "invalid_status_code"},
        Case{"StatusTwoSpaces", "HTTP/1.1  200 OK\r\n\r\n", "invalid_status_code"},
        Case{"ReasonWithControl", "HTTP/1.1 200 O\x01K\r\n\r\n", "invalid_reason_phrase"},
        Case{"BareLfAfterStatusLine", "HTTP/1.1 200 OK\nX: y\r\n\r\n", "bare_lf"},
        Case{"BareLfAsLastLine", ok("X: y\r\n").substr(0, 23) + "\n", "bare_lf"},
        Case{"LoneCr", ok("X: y\rZ: a\r\n"), "bare_cr"},
        Case{"ObsFold", ok("X: y\r\n z\r\n"), "obs_fold"},
        Case{"SpaceBeforeColon", ok("Connection : y\r\n"), "space_before_colon"},
        Case{"EmptyName", ok(": y\r\n"), "empty_field_name"},
        Case{"LengthTwice", ok("Content-Length: 1\r\nContent-Length: 1\r\n"),
             "duplicate_content_length"},
        Case{"LengthList", ok("Content-Length: 1, 2\r\n"), "invalid_content_length"},
        Case{"LengthAndChunked", ok("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
             "content_length_and_transfer_encoding"},
        Case{"ChunkedNotFinal", ok("Transfer-Encoding: gzip\r\n"), "chunked_not_final"},
        Case{"UnknownCoding", ok("Transfer-Encoding: gzip, chunked\r\n"),
             "unsupported_transfer_coding"},
        Case{"ChunkedInHttp10", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
             "transfer_encoding_in_http_1_0"},
        Case{"LengthOn204", "HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\n",
             "body_on_bodyless_status"},
        Case{"ChunkedOn100", "HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n",
             "body_on_bodyless_status"},
        Case{"ChunkedOn204", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
             "body_on_bodyless_status"},
        Case{"ChunkSize", ok("Transfer-Encoding: chunked\r\n") + "z\r\n", "invalid_chunk_size"},
        Case{"HeadTooLarge", ok("X: " + std::string(70000, 'a') + "\r\n"), "head_too_large"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace sluice::http::testing
