// SPDX-License-Identifier: Apache-2.0
// One row a rule: these bytes get this status and reason, and nothing of them reaches the head's
// reader.
#include <gtest/gtest.h>

#include <string>

#include "tests/http/feed.hpp"

namespace sluice::http::testing {
namespace {

struct Case {
  const char* name;
  std::string bytes;
  int status;
  const char* reason;
};

using std::string_literals::operator""s;

// A valid request around the field lines in question.
std::string fields(const std::string& lines) {
  return "POST /a HTTP/1.1\r\nHost: a.example\r\n" + lines + "\r\n";
}

class RequestReject : public ::testing::TestWithParam<Case> {};

TEST_P(RequestReject, WithStatusAndReason) {
  const Transcript seen = feed_requests(GetParam().bytes);
  EXPECT_EQ(seen.reason, GetParam().reason) << seen.events;
  EXPECT_EQ(seen.status, GetParam().status);
  EXPECT_EQ(seen.messages, 0U);
}

std::string case_name(const ::testing::TestParamInfo<Case>& info) { return info.param.name; }

// What the parser library alone lets through; each was measured with its 8.1.0 or 9.4.3.
INSTANTIATE_TEST_SUITE_P(
    Hardening, RequestReject,
    ::testing::Values(
        Case{"BareLfAfterRequestLine", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400, "bare_lf"},
        Case{"BareLfAsLastLine", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400, "bare_lf"},
        Case{"BareLfAfterField", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400, "bare_lf"},
        Case{"OnlyBareLf", "GET / HTTP/1.1\nHost: a\n\n", 400, "bare_lf"},
        Case{"ObsFold", fields("X: a\r\n b\r\n"), 400, "obs_fold"},
        Case{"ObsFoldWithTab", fields("X: a\r\n\tb\r\n"), 400, "obs_fold"},
        Case{"ObsFoldOfEncoding", fields("Transfer-Encoding:\r\n chunked\r\n"), 400,
             "invalid_transfer_encoding"},
        Case{"WhitespaceBeforeFirstField", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "obs_fold"},
        Case{"SpaceBeforeColon", fields("X : a\r\n"), 400, "space_before_colon"},
        Case{"TabBeforeColon", fields("X\t: a\r\n"), 400, "space_before_colon"},
        Case{"SpaceBeforeColonOfLength", fields("Content-Length : 3\r\n"), 400,
             "space_before_colon"},
        Case{"EmptyFieldName", fields(": a\r\n"), 400, "empty_field_name"},
        Case{"Byte0xffInTarget", "GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400, "invalid_target"},
        Case{"LoneCrAsHeadEnd", "GET / HTTP/1.1\r\nHost: a\r\n\rX", 400, "bare_cr"},
        Case{"LoneCrInFieldValue", fields("X: a\rY: b\r\n"), 400, "bare_cr"},
        Case{"LoneCrAfterRequestLine", "GET / HTTP/1.1\rHost: a\r\n\r\n", 400, "bare_cr"},
        Case{"CrCrLf", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400, "bare_cr"},
        Case{"EncodingInHttp10",
             "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
             "transfer_encoding_in_http_1_0"},
        Case{"VersionHttp20", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400, "http2_version_in_http1"},
        Case{"NoVersion", "GET /\r\nHost: a\r\n\r\n", 400, "missing_version"},
        Case{"TwoSpacesAfterMethod", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "extra_space"},
        Case{"TwoSpacesAfterTarget", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400, "extra_space"},
        Case{"MissingHost", "GET / HTTP/1.1\r\nX: y\r\n\r\n", 400, "missing_host"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    StartLine, RequestReject,
    ::testing::Values(
        Case{"TwoEmptyLines", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400,
             "empty_request_line"},
        Case{"LfFirst", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bare_lf"},
        Case{"SpaceFirst", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "invalid_method"},
        Case{"MethodNotToken", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "invalid_method"},
        Case{"MethodOnly", "GET\r\nHost: a\r\n\r\n", 400, "invalid_method"},
        Case{"TabAfterMethod", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "invalid_method"},
        Case{"NulFirst", "\0GET / HTTP/1.1\r\n"s, 400, "nul_byte"},
        Case{"NulInMethod", "G\0T / HTTP/1.1\r\n\r\n"s, 400, "nul_byte"},
        Case{"NulInTarget", "GET /\0 HTTP/1.1\r\n\r\n"s, 400, "nul_byte"},
        Case{"NoTarget", "GET \r\nHost: a\r\n\r\n", 400, "invalid_target"},
        Case{"RelativeTarget", "GET a/b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "invalid_target"},
        Case{"DelInTarget", "GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400, "invalid_target"},
        Case{"TabInTarget", "GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", 400, "invalid_target"},
        Case{"SpaceInTarget", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "extra_space"},
        Case{"Fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "fragment_in_target"},
        Case{"AsteriskForGet", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, "invalid_target"},
        Case{"OtherScheme", "GET ftp://a/b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "unsupported_scheme"},
        Case{"Userinfo", "GET http://u@a/b HTTP/1.1\r\nHost: a\r\n\r\n", 400,
             "userinfo_in_authority"},
        Case{"EmptyAuthority", "GET http:///b HTTP/1.1\r\nHost: a\r\n\r\n", 400,
             "invalid_authority"},
        Case{"ConnectWithoutPort", "CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", 400,
             "invalid_authority"},
        Case{"ConnectWithPath", "CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "invalid_authority"},
        Case{"VersionLowerCase", "GET / http/1.1\r\nHost: a\r\n\r\n", 400, "invalid_version"},
        Case{"Version12", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 400, "invalid_version"},
        Case{"VersionTwoDigits", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400, "invalid_version"},
        Case{"VersionThenSpace", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400, "extra_space"},
        Case{"Version30", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505, "unsupported_version"},
        Case{"Version09", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505, "unsupported_version"},
        Case{"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "h2_prior_knowledge"},
        Case{"TlsClientHello", "\x16\x03\x01\x02\x00\x01\x00\x01"s, 400, "tls_on_plain_port"},
        Case{"NotQuiteTls", "\x16\x04\x01\x02", 400, "invalid_method"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Fields, RequestReject,
    ::testing::Values(
        Case{"NoColon", fields("nonsense\r\n"), 400, "missing_colon"},
        Case{"NameWithSpace", fields("X Y: a\r\n"), 400, "invalid_field_name"},
        Case{"NameWithUtf8", fields("X\xc3\xa4: a\r\n"), 400, "invalid_field_name"},
        Case{"NameWithNul", fields("X\0: a\r\n"s), 400, "nul_byte"},
        Case{"ValueWithNul", fields("X: a\0b\r\n"s), 400, "nul_byte"},
        Case{"ValueWithControl",
             fields("X: a\x01"
                    "b\r\n"),
             400, "invalid_field_value"},
        Case{"ValueWithDel",
             fields("X: 0123456789\x7f"
                    "b\r\n"),
             400, "invalid_field_value"},
        Case{"DuplicateHost", fields("Host: a.example\r\n"), 400, "duplicate_host"},
        Case{"EmptyHost", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, "invalid_host"},
        Case{"HostWithPath", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "invalid_host"},
        Case{"HostWithUserinfo", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, "invalid_host"},
        Case{"HostWithComma", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400, "invalid_host"},
        Case{"HostWithBadPort", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", 400, "invalid_host"},
        Case{"HostInvalidInHttp10", "GET / HTTP/1.0\r\nHost: a b\r\n\r\n", 400, "invalid_host"},
        Case{"HostMissingWithAbsoluteForm", "GET http://a/ HTTP/1.1\r\n\r\n", 400, "missing_host"},
        Case{"OtherExpectation", fields("Expect: tea\r\n"), 417, "unsupported_expectation"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Framing, RequestReject,
    ::testing::Values(
        Case{"LengthNegative", fields("Content-Length: -1\r\n"), 400, "invalid_content_length"},
        Case{"LengthWithPlus", fields("Content-Length: +1\r\n"), 400, "invalid_content_length"},
        Case{"LengthHex", fields("Content-Length: 0x1\r\n"), 400, "invalid_content_length"},
        Case{"LengthEmpty", fields("Content-Length:\r\n"), 400, "invalid_content_length"},
        Case{"LengthList", fields("Content-Length: 3, 3\r\n"), 400, "invalid_content_length"},
        Case{"LengthThenTab", fields("Content-Length: 3\t\r\n"), 400, "invalid_content_length"},
        Case{"LengthOverflow", fields("Content-Length: 18446744073709551616\r\n"), 400,
             "content_length_overflow"},
        Case{"LengthTwiceSame", fields("Content-Length: 3\r\nContent-Length: 3\r\n"), 400,
             "duplicate_content_length"},
        Case{"LengthTwiceDifferent", fields("Content-Length: 3\r\ncontent-length: 4\r\n"), 400,
             "conflicting_content_length"},
        Case{"LengthAndChunked", fields("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400,
             "content_length_and_transfer_encoding"},
        Case{"ChunkedAndLength", fields("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400,
             "content_length_and_transfer_encoding"},
        Case{"EncodingUnknownThenChunked", fields("Transfer-Encoding: gzip, chunked\r\n"), 501,
             "unsupported_transfer_coding"},
        Case{"ChunkedThenOther", fields("Transfer-Encoding: chunked, gzip\r\n"), 400,
             "chunked_not_final"},
        Case{"EncodingIdentity", fields("Transfer-Encoding: identity\r\n"), 400,
             "chunked_not_final"},
        Case{"EncodingLooksLikeChunked", fields("Transfer-Encoding: xchunked\r\n"), 400,
             "chunked_not_final"},
        Case{"ChunkedWithParameter", fields("Transfer-Encoding: chunked;q=1\r\n"), 400,
             "chunked_not_final"},
        Case{"ChunkedQuoted", fields("Transfer-Encoding: \"chunked\"\r\n"), 400,
             "invalid_transfer_encoding"},
        Case{"EncodingEmpty", fields("Transfer-Encoding:\r\n"), 400, "invalid_transfer_encoding"},
        Case{"EncodingEmptyElement", fields("Transfer-Encoding: , chunked\r\n"), 400,
             "invalid_transfer_encoding"},
        Case{"ChunkedThenTab", fields("Transfer-Encoding: chunked\t\r\n"), 400,
             "invalid_transfer_encoding"},
        Case{"ChunkedTwiceInList", fields("Transfer-Encoding: chunked, chunked\r\n"), 400,
             "duplicate_transfer_encoding"},
        Case{"EncodingTwice", fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n"), 400,
             "duplicate_transfer_encoding"},
        Case{"ConnectWithLength", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 1\r\n\r\nx",
             400, "body_with_connect"},
        Case{"ConnectWithChunked",
             "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
             "body_with_connect"}),
    case_name);

struct LimitCase {
  const char* name;
  H1Limits limits;
  std::string bytes;
  int status;
  const char* reason;
};
class RequestLimit : public ::testing::TestWithParam<LimitCase> {};

TEST_P(RequestLimit, RefusesOneByteTooMany) {
  const Transcript seen = feed_requests(GetParam().bytes, whole(), GetParam().limits);
  EXPECT_EQ(seen.reason, GetParam().reason) << seen.events;
  EXPECT_EQ(seen.status, GetParam().status);
}

INSTANTIATE_TEST_SUITE_P(
    Limits, RequestLimit,
    ::testing::Values(
        LimitCase{"TargetTooLong", {}, "GET /" + std::string(70000, 'a'), 414, "target_too_long"},
        LimitCase{
            "FieldTooLong", {}, fields("X: " + std::string(70000, 'a')), 431, "head_too_large"},
        LimitCase{"HeadTooLarge",
                  {.head_bytes = 34},
                  "GET / HTTP/1.1\r\nHost: a\r\nXyz: b\r\n\r\n",
                  431,
                  "head_too_large"},
        LimitCase{
            "TooManyFields", {.fields = 2}, fields("A: b\r\nC: d\r\n"), 431, "too_many_fields"}),
    [](const auto& row) { return row.param.name; });

TEST(RequestLimit, AcceptsExactlyTheLimit) {
  const std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\nXyz: b\r\n\r\n";
  const H1Limits limits{.head_bytes = static_cast<std::uint32_t>(bytes.size()), .fields = 2};
  EXPECT_EQ(feed_requests(bytes, whole(), limits).messages, 1U);
}

TEST(RequestError, IsFinal) {
  H1RequestParser parser;
  EXPECT_EQ(parser.next("GET / HTTP/1.1\n").event, H1Event::kError);
  const H1Progress again = parser.next("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(again.event, H1Event::kError);
  EXPECT_EQ(again.consumed, 0U);
  EXPECT_NE(parser.error().message.find("line 1"), std::string::npos) << parser.error().message;
}

// A peer that never sends a line end must not have to be waited for.
TEST(RequestError, OfAnotherProtocolComesWithItsFirstBytes) {
  H1RequestParser parser;
  EXPECT_EQ(parser.next("\x16").event, H1Event::kNeedMore);
  EXPECT_EQ(parser.next("\x16\x03").event, H1Event::kError);
  EXPECT_STREQ(parser.error().reason, "tls_on_plain_port");
  parser.reset();
  EXPECT_EQ(parser.next("\x80").event, H1Event::kError);
}

}  // namespace
}  // namespace sluice::http::testing
