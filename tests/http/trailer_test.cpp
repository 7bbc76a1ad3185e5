// SPDX-License-Identifier: Apache-2.0
// Trailers (RFC 9110 6.5, RFC 9112 7.1.2) and the limits of bodies.
#include <gtest/gtest.h>

#include <string>

#include "tests/http/feed.hpp"

namespace sluice::http::testing {
namespace {

const std::string kChunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

// Reads one message to its end.
template <typename Parser>
H1Event finish(Parser& parser, std::string_view bytes) {
  for (std::size_t done = 0;;) {
    const H1Progress progress = parser.next(bytes.substr(done));
    done += progress.consumed;
    if (progress.event == H1Event::kHead || progress.event == H1Event::kBody) continue;
    return progress.event;
  }
}

TEST(Trailers, OfARequestAreReadInOrder) {
  H1RequestParser parser;
  ASSERT_EQ(finish(parser, kChunked + "1\r\nx\r\n0\r\nX-Sum: 1\r\nx-b:  2 \r\n\r\n"),
            H1Event::kComplete);
  ASSERT_EQ(parser.trailers().size(), 2U);
  EXPECT_EQ(parser.trailers().at(0).name, "X-Sum");
  EXPECT_EQ(parser.trailers().get("X-B"), "2");
}

TEST(Trailers, OfAResponseAreRead) {
  H1ResponseParser parser;
  parser.reset("GET");
  ASSERT_EQ(finish(parser,
                   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nGrpc-Status: 0\r\n"
                   "\r\n"),
            H1Event::kComplete);
  EXPECT_EQ(parser.trailers().get("grpc-status"), "0");
}

TEST(Trailers, DoNotOutliveTheirMessage) {
  H1RequestParser parser;
  ASSERT_EQ(finish(parser, kChunked + "0\r\nA: b\r\n\r\n"), H1Event::kComplete);
  parser.reset();
  ASSERT_EQ(finish(parser, kChunked + "0\r\n\r\n"), H1Event::kComplete);
  EXPECT_TRUE(parser.trailers().empty());
}

class ForbiddenTrailer : public ::testing::TestWithParam<const char*> {};
TEST_P(ForbiddenTrailer, IsDropped) {
  H1RequestParser parser;
  const std::string field = std::string(GetParam()) + ": evil\r\n";
  ASSERT_EQ(finish(parser, kChunked + "0\r\n" + field + "X-Sum: 1\r\n\r\n"), H1Event::kComplete);
  EXPECT_EQ(parser.trailers().size(), 1U);
}
INSTANTIATE_TEST_SUITE_P(Names, ForbiddenTrailer,
                         ::testing::Values("Content-Length", "transfer-encoding", "Host",
                                           "Connection", "TE", "Upgrade", "Authorization", "Cookie",
                                           "Set-Cookie", "Cache-Control", "Content-Type",
                                           "Content-Encoding", "X-Forwarded-For",
                                           "X-Forwarded-Anything", "Forwarded", "X-Request-Id",
                                           "Trailer", "Expect", "X_Forwarded_For"));

TEST(Trailers, AreWrittenBehindTheLastChunk) {
  HeaderMap trailers;
  trailers.add("X-Sum", "1");
  std::string out;
  write_last_chunk(trailers, out);
  EXPECT_EQ(out, "0\r\nX-Sum: 1\r\n\r\n");
  H1RequestParser again;
  EXPECT_EQ(finish(again, kChunked + out), H1Event::kComplete);
  EXPECT_EQ(again.trailers().get("X-Sum"), "1");
}

TEST(Trailers, AreWelcomeToWhoeverSaysSo) {
  const auto accepts = [](const std::string& version, const std::string& te) {
    H1RequestParser parser;
    const std::string head =
        "GET / HTTP/" + version + "\r\nHost: a\r\nConnection: TE\r\nTE: " + te + "\r\n\r\n";
    EXPECT_EQ(parser.next(head).event, H1Event::kHead);
    return parser.head().accepts_trailers;
  };
  EXPECT_TRUE(accepts("1.1", "trailers"));
  EXPECT_TRUE(accepts("1.1", "deflate;q=0.5, Trailers"));
  EXPECT_FALSE(accepts("1.1", "deflate"));
  EXPECT_FALSE(accepts("1.0", "trailers"));
}

TEST(Trailers, WelcomeIsSaidToTheNextHopAnew) {
  H1RequestParser parser;
  ASSERT_EQ(parser.next("GET / HTTP/1.1\r\nHost: a\r\nConnection: TE\r\nTE: trailers, gzip\r\n\r\n")
                .event,
            H1Event::kHead);
  RequestHead head = parser.head();
  strip_hop_by_hop(head.headers);
  std::string out;
  write_request_head(head, out);
  EXPECT_EQ(out, "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
}

TEST(TrailerField, SaysWhatWillComeAndGoesOn) {
  HeaderMap headers;
  headers.add("Trailer", "X-Sum");
  EXPECT_FALSE(strip_hop_by_hop(headers));
  EXPECT_TRUE(headers.has("Trailer"));
}

Transcript with_body_limit(const std::string& bytes, std::uint64_t limit) {
  H1Limits limits;
  limits.body_bytes = limit;
  return feed_requests(bytes, whole(), limits);
}

TEST(BodyLimit, RefusesADeclaredLengthBeforeTheBody) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ";
  const Transcript seen = with_body_limit(head + "11\r\n\r\n", 10);
  EXPECT_EQ(seen.reason, "body_too_large");
  EXPECT_EQ(seen.status, 413);
  EXPECT_EQ(with_body_limit(head + "10\r\n\r\n0123456789", 10).messages, 1U);
}

TEST(BodyLimit, RefusesTheChunkThatGoesBeyond) {
  const Transcript seen = with_body_limit(kChunked + "6\r\n012345\r\n5\r\n01234\r\n0\r\n\r\n", 10);
  EXPECT_EQ(seen.reason, "body_too_large");
  EXPECT_EQ(seen.status, 413);
  EXPECT_NE(seen.events.find("012345"), std::string::npos);
  EXPECT_EQ(seen.events.find("01234'"), std::string::npos) << seen.events;
  EXPECT_EQ(with_body_limit(kChunked + "6\r\n012345\r\n4\r\n0123\r\n0\r\n\r\n", 10).messages, 1U);
  EXPECT_EQ(with_body_limit(kChunked + "1\r\nx\r\nffffffffffffffff\r\n", 10).reason,
            "body_too_large");
}

TEST(TargetLimit, IsItsOwn) {
  H1Limits limits;
  limits.target_bytes = 8;
  const auto get = [&](const std::string& target) {
    return feed_requests("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n", whole(), limits);
  };
  EXPECT_EQ(get("/1234567").messages, 1U);
  EXPECT_EQ(get("/12345678").reason, "target_too_long");
  EXPECT_EQ(get("/12345678").status, 414);
}

}  // namespace
}  // namespace sluice::http::testing
