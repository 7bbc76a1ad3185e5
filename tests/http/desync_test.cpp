// SPDX-License-Identifier: Apache-2.0
// docs/http.md, "Ambiguity": one test a row, in all three modes. What is served must be written anew in a form that
// has no ambiguity left.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "agent/http/h1_codec.hpp"

namespace sluice::http::testing {
namespace {

using enum DesyncAction;

struct Row {
  const char* name;
  std::string bytes;
  const char* reason;
  DesyncClass desync_class;
  DesyncAction monitor;
  DesyncAction defensive;
  DesyncAction strictest;
  std::string
      written;  // the fields that go on, when served: a part of the text; "" = not looked at
};

std::string fields(const std::string& lines) {
  return "POST /a HTTP/1.1\r\nHost: a.example\r\n" + lines + "\r\n";
}

const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n";
constexpr DesyncClass kAcceptable = DesyncClass::kAcceptable;
constexpr DesyncClass kAmbiguous = DesyncClass::kAmbiguous;
constexpr DesyncClass kSevere = DesyncClass::kSevere;

const Row kRows[] = {
    {"EmptyLineBefore", "\r\n" + kGet + "\r\n", "empty_line_before", kAcceptable, kServe, kServe,
     kRefuse, ""},
    {"RawCharacterInTarget", "GET /a|b HTTP/1.1\r\nHost: a\r\n\r\n", "raw_target_character",
     kAcceptable, kServe, kServe, kRefuse, "GET /a|b HTTP/1.1\r\n"},
    {"BracketInQuery", "GET /?a[]=b HTTP/1.1\r\nHost: a\r\n\r\n", "raw_target_character",
     kAcceptable, kServe, kServe, kRefuse, ""},
    {"PercentWithoutDigits", "GET /a%zz HTTP/1.1\r\nHost: a\r\n\r\n", "raw_target_character",
     kAcceptable, kServe, kServe, kRefuse, ""},
    {"PercentAtTheEnd", "GET /a%4 HTTP/1.1\r\nHost: a\r\n\r\n", "raw_target_character", kAcceptable,
     kServe, kServe, kRefuse, ""},
    {"BytesAbove7fInValue", fields("X: caf\xc3\xa9\r\n"), "obs_text", kAcceptable, kServe, kServe,
     kRefuse, "X: caf\xc3\xa9\r\n"},
    {"GetWithLengthZero", kGet + "Content-Length: 0\r\n\r\n", "zero_length_body", kAcceptable,
     kServe, kServe, kRefuse, "Content-Length: 0\r\n"},
    {"ConnectionNamesForwardedFor",
     fields("Connection: X-Forwarded-For\r\nX-Forwarded-For: 192.0.2.1\r\n"),
     "connection_names_protected", kAcceptable, kServe, kServe, kRefuse,
     "X-Forwarded-For: 192.0.2.1\r\n"},
    {"ConnectionNamesContentLength", fields("Connection: content-length\r\nContent-Length: 0\r\n"),
     "connection_names_protected", kAcceptable, kServe, kServe, kRefuse, "Content-Length: 0\r\n"},
    {"TargetAndHostDiffer", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "target_and_host_differ",
     kAmbiguous, kServe, kServeAndClose, kRefuse, "GET / HTTP/1.1\r\nHost: b\r\n"},
    {"GetWithBody", kGet + "Content-Length: 1\r\n\r\n", "unexpected_body", kAmbiguous, kServe,
     kServeAndClose, kRefuse, "Content-Length: 1\r\n"},
    {"HeadWithChunkedBody", "HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
     "unexpected_body", kAmbiguous, kServe, kServeAndClose, kRefuse, ""},
    {"LookalikeOfContentLength", fields("Content_Length: 9\r\n"), "lookalike_field_name",
     kAmbiguous, kServe, kServeAndClose, kRefuse, "HTTP/1.1\r\nHost: a.example\r\n\r\n"},
    {"LookalikeOfTransferEncoding", fields("transfer.encoding: chunked\r\n"),
     "lookalike_field_name", kAmbiguous, kServe, kServeAndClose, kRefuse,
     "HTTP/1.1\r\nHost: a.example\r\n\r\n"},
    {"LookalikeOfForwardedFor", fields("X-Forwarded_For: 192.0.2.1\r\n"), "lookalike_field_name",
     kAmbiguous, kServe, kServeAndClose, kRefuse, "HTTP/1.1\r\nHost: a.example\r\n\r\n"},
    {"SameLengthTwice", fields("Content-Length: 1\r\nContent-Length: 01\r\n"),
     "duplicate_content_length", kAmbiguous, kServe, kRefuse, kRefuse,
     "Host: a.example\r\nContent-Length: 1\r\n\r\n"},
    {"EveryLineEndsWithLf", "GET / HTTP/1.1\nHost: a\nX: y\n\n", "bare_lf", kAmbiguous, kServe,
     kRefuse, kRefuse, "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n"},
    {"FoldedValue", fields("X: a\r\n\t b\r\n"), "obs_fold", kAmbiguous, kServe, kRefuse, kRefuse,
     "X: a b\r\n"},
    {"SomeLinesEndWithLf", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", "bare_lf", kAmbiguous,
     kRefuse, kRefuse, kRefuse, ""},
    {"FirstLineEndsWithLf", "GET / HTTP/1.1\nHost: a\r\n\r\n", "bare_lf", kAmbiguous, kRefuse,
     kRefuse, kRefuse, ""},
    {"FoldedHost", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "obs_fold", kAmbiguous, kRefuse,
     kRefuse, kRefuse, ""},
    {"FoldedEncoding", fields("Transfer-Encoding: chunked\r\n x\r\n"), "obs_fold", kAmbiguous,
     kRefuse, kRefuse, kRefuse, ""},
    {"FoldBeforeTheFirstField", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "obs_fold", kAmbiguous,
     kRefuse, kRefuse, kRefuse, ""},
    {"LengthsThatDiffer", fields("Content-Length: 1\r\nContent-Length: 2\r\n"),
     "conflicting_content_length", kSevere, kRefuse, kRefuse, kRefuse, ""},
    {"ListOfLengths", fields("Content-Length: 1, 1\r\n"), "invalid_content_length", kSevere,
     kRefuse, kRefuse, kRefuse, ""},
    {"EmptyLength", fields("Content-Length:\r\n"), "invalid_content_length", kSevere, kRefuse,
     kRefuse, kRefuse, ""},
    {"LengthAndEncoding", fields("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
     "content_length_and_transfer_encoding", kSevere, kRefuse, kRefuse, kRefuse, ""},
    {"EncodingTwice", fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
     "duplicate_transfer_encoding", kSevere, kRefuse, kRefuse, kRefuse, ""},
    {"EncodingObfuscated", fields("Transfer-Encoding: xchunked\r\n"), "chunked_not_final", kSevere,
     kRefuse, kRefuse, kRefuse, ""},
    {"EncodingInHttp10", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
     "transfer_encoding_in_http_1_0", kSevere, kRefuse, kRefuse, kRefuse, ""},
    {"SpaceBeforeColon", fields("Transfer-Encoding : chunked\r\n"), "space_before_colon", kSevere,
     kRefuse, kRefuse, kRefuse, ""},
    {"BareCr", fields("X: a\rY: b\r\n"), "bare_cr", kSevere, kRefuse, kRefuse, kRefuse, ""},
    {"TwoHosts", fields("Host: a.example\r\n"), "duplicate_host", kSevere, kRefuse, kRefuse,
     kRefuse, ""},
    {"SpaceInTarget", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "extra_space", kSevere, kRefuse,
     kRefuse, kRefuse, ""},
    {"BadChunkSize", fields("Transfer-Encoding: chunked\r\n") + "0x1\r\n", "invalid_chunk_size",
     kSevere, kRefuse, kRefuse, kRefuse, ""},
};

std::uint64_t counted(const DesyncVerdict& verdict, std::string_view reason, DesyncAction action) {
  DesyncCounters counters;
  counters.count(verdict);
  for (std::size_t i = 0; i < kH1Reasons; ++i) {
    if (info_of(static_cast<H1Reason>(i)).code != reason) continue;
    return counters.counts[i][static_cast<std::size_t>(action)];
  }
  return 0;
}

void expect_action(const Row& row, DesyncMode mode, DesyncAction expected) {
  SCOPED_TRACE(label_of(mode));
  H1RequestParser parser(H1Options{.limits = {}, .mode = mode});
  H1Progress progress = parser.next(row.bytes);
  if (progress.event == H1Event::kHead) progress = parser.next(row.bytes.substr(progress.consumed));
  EXPECT_EQ(parser.verdict().action, expected) << parser.error().reason;
  EXPECT_EQ(counted(parser.verdict(), row.reason, expected), 1U) << parser.error().reason;
  if (expected == kRefuse) {
    EXPECT_EQ(progress.event, H1Event::kError);
    EXPECT_STREQ(parser.error().reason, row.reason);
    return;
  }
  const RequestHead& head = parser.head();
  EXPECT_EQ(head.isolate, expected == kServeAndClose);
  if (expected == kServeAndClose) {
    EXPECT_FALSE(head.keep_alive);
  }
  RequestHead forwarded = head;
  strip_hop_by_hop(forwarded.headers);
  std::string text;
  write_request_head(forwarded, text);
  EXPECT_NE(text.find(row.written), std::string::npos) << text;
  H1RequestParser again;
  ASSERT_EQ(again.next(text).event, H1Event::kHead) << text << again.error().reason;
  // What it means to have one reading: nothing is left to repair, drop or overrule.
  EXPECT_FALSE(again.head().repaired) << text;
}

class Desync : public ::testing::TestWithParam<Row> {};

TEST_P(Desync, IsJudgedByTheMode) {
  const Row& row = GetParam();
  H1Reason reason{};
  for (std::size_t i = 0; i < kH1Reasons; ++i) {
    if (info_of(static_cast<H1Reason>(i)).code == std::string_view(row.reason)) {
      reason = static_cast<H1Reason>(i);
    }
  }
  EXPECT_EQ(desync_class_of(reason), row.desync_class);
  expect_action(row, DesyncMode::kMonitor, row.monitor);
  expect_action(row, DesyncMode::kDefensive, row.defensive);
  expect_action(row, DesyncMode::kStrictest, row.strictest);
}

INSTANTIATE_TEST_SUITE_P(Table, Desync, ::testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

// The table of docs/http.md has a row with the name of each row here, and with its actions.
TEST(DesyncDocs, HaveEachRow) {
  std::ifstream file(SLUICE_SOURCE_DIR "/docs/http.md");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  for (const Row& row : kRows) {
    const std::string end = std::string("| `") + row.reason + "` | " + label_of(row.desync_class) +
                            " | " + label_of(row.monitor) + " | " + label_of(row.defensive) +
                            " | " + label_of(row.strictest) + " | " + row.name + " |";
    EXPECT_NE(text.find(end), std::string::npos) << "docs/http.md lacks: " << end;
  }
}

TEST(DesyncPlain, RequestsAreServedInEveryMode) {
  for (const DesyncMode mode :
       {DesyncMode::kMonitor, DesyncMode::kDefensive, DesyncMode::kStrictest}) {
    for (const std::string& bytes :
         {kGet + "\r\n", fields("Content-Length: 0\r\n"), fields("X_Y: z\r\n"),
          std::string("GET http://a/b?c=%2F HTTP/1.1\r\nHost: A\r\n\r\n"),
          std::string("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
          std::string("GET http://[2001:db8::1]/ HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n"),
          fields("Transfer-Encoding: chunked\r\nTE: trailers\r\nConnection: TE, close\r\n")}) {
      H1RequestParser parser(H1Options{.limits = {}, .mode = mode});
      EXPECT_EQ(parser.next(bytes).event, H1Event::kHead) << bytes << parser.error().reason;
      EXPECT_EQ(parser.verdict().findings, 0) << bytes;
    }
  }
}

TEST(DesyncPlain, LimitsAndOtherProtocolsAreNotCountedAsAmbiguity) {
  H1RequestParser parser;
  EXPECT_EQ(parser.next("PRI * HTTP/2.0\r\n\r\n").event, H1Event::kError);
  DesyncCounters counters;
  counters.count(parser.verdict());
  for (const auto& row : counters.counts) EXPECT_EQ(row[0] + row[1] + row[2], 0U);
}

TEST(Underscores, AreKeptDroppedOrRefused) {
  const std::string bytes = fields("X_Y: z\r\nA: b\r\n");
  H1RequestParser keep;
  ASSERT_EQ(keep.next(bytes).event, H1Event::kHead);
  EXPECT_TRUE(keep.head().headers.has("X_Y"));
  H1RequestParser drop(H1Options{.limits = {}, .underscores = UnderscoreNames::kDrop});
  ASSERT_EQ(drop.next(bytes).event, H1Event::kHead);
  EXPECT_FALSE(drop.head().headers.has("X_Y"));
  EXPECT_TRUE(drop.head().headers.has("A"));
  EXPECT_TRUE(drop.head().repaired);
  EXPECT_EQ(counted(drop.verdict(), "underscore_in_name", kServe), 1U);
  H1RequestParser refuse(H1Options{.limits = {}, .underscores = UnderscoreNames::kRefuse});
  ASSERT_EQ(refuse.next(bytes).event, H1Event::kError);
  EXPECT_STREQ(refuse.error().reason, "underscore_in_name");
}

TEST(Underscores, OfConfiguredParsersFollowTheListener) {
  H1RequestParser parser;
  ASSERT_EQ(parser.next(kGet + "Content-Length: 0\r\n\r\n").event, H1Event::kHead);
  parser.reset();
  parser.configure({.limits = {}, .mode = DesyncMode::kStrictest});
  EXPECT_EQ(parser.next(kGet + "Content-Length: 0\r\n\r\n").event, H1Event::kError);
}

TEST(DesyncRepairs, LeaveNothingToContinueAFieldThatIsGone) {
  H1RequestParser parser(H1Options{.limits = {}, .mode = DesyncMode::kMonitor});
  EXPECT_EQ(parser.next(fields("A: b\r\nContent_Length: 9\r\n 8\r\n")).event, H1Event::kError);
  EXPECT_STREQ(parser.error().reason, "obs_fold");
}

TEST(DesyncRepairs, OfLineEndsDoNotLetACrThrough) {
  H1RequestParser parser(H1Options{.limits = {}, .mode = DesyncMode::kMonitor});
  EXPECT_EQ(parser.next("GET / HTTP/1.1\nHost: a\nX: a\rb\n\n").event, H1Event::kError);
  EXPECT_STREQ(parser.error().reason, "bare_cr");
}

// Whichever way the bytes are cut: found by the fuzzer.
TEST(DesyncRepairs, AmongLfsALoneCrWinsOverACrLf) {
  const std::string bytes = "GET / HTTP/1.0\nHost: a\rb\r\n\r\n";
  for (const std::size_t cut : {bytes.size(), bytes.find("b\r") + 1}) {
    H1RequestParser parser(H1Options{.limits = {}, .mode = DesyncMode::kMonitor});
    H1Progress progress = parser.next(bytes.substr(0, cut));
    if (progress.event == H1Event::kNeedMore) progress = parser.next(bytes);
    EXPECT_STREQ(parser.error().reason, "bare_cr") << cut;
  }
}

// A pod's answer is its own affair, but for what a proxy must put right (RFC 9112 5.1).
TEST(ResponseFields, LoseSpaceBeforeTheColonUnlessTheyDecideSomething) {
  H1ResponseParser parser;
  parser.reset("GET");
  ASSERT_EQ(parser.next("HTTP/1.1 200 OK\r\nX-A \t: b\r\nContent-Length: 0\r\n\r\n").event,
            H1Event::kHead)
      << parser.error().reason;
  EXPECT_EQ(parser.head().headers.get("X-A"), "b");
  parser.reset("GET");
  EXPECT_EQ(parser.next("HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n").event, H1Event::kError);
  EXPECT_STREQ(parser.error().reason, "space_before_colon");
}

TEST(ResponseFields, WithUnderscoresArePassedOn) {
  H1ResponseParser parser;
  parser.reset("GET");
  ASSERT_EQ(parser.next("HTTP/1.1 200 OK\r\nX_Request_Id: 1\r\nContent-Length: 0\r\n\r\n").event,
            H1Event::kHead);
  EXPECT_TRUE(parser.head().headers.has("X_Request_Id"));
}

}  // namespace
}  // namespace sluice::http::testing
