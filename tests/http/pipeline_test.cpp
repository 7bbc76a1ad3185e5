// SPDX-License-Identifier: Apache-2.0
// Several messages in one read, and how the parser behaves between them.
#include <gtest/gtest.h>

#include <string>

#include "tests/http/feed.hpp"

namespace sluice::http::testing {
namespace {

TEST(Pipeline, EachRequestIsSeenOnceAndInOrder) {
  const std::string bytes =
      "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
      "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nGET "
      "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
      "\r\nGET /4 HTTP/1.1\r\nHost: a\r\n\r\n";
  const Transcript seen = feed_requests(bytes);
  EXPECT_EQ(seen.messages, 4U) << seen.events;
  EXPECT_EQ(seen.consumed, bytes.size());
  std::size_t at = 0;
  for (const char* path : {"path=/1 ", "path=/2 ", "path=/3 ", "path=/4 "}) {
    at = seen.events.find(path, at);
    EXPECT_NE(at, std::string::npos) << path;
  }
}

TEST(Pipeline, NothingOfTheLastMessageLeaksIntoTheNext) {
  const Transcript seen = feed_requests(
      "POST http://b/1?q HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx"
      "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(seen.events.find("GET target=/2 path=/2 query= authority=a scheme=http minor=1 body=0 "
                             "length=0 keep=true expect=false upgrade=false [Host=a]"),
            std::string::npos)
      << seen.events;
}

TEST(Pipeline, CompleteStaysCompleteUntilReset) {
  H1RequestParser parser;
  const std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(parser.next(bytes).event, H1Event::kHead);
  EXPECT_EQ(parser.next(bytes).event, H1Event::kComplete);
  EXPECT_EQ(parser.next(bytes).consumed, 0U);
  parser.reset();
  EXPECT_EQ(parser.next(bytes).event, H1Event::kHead);
}

TEST(Pipeline, HeadIsKeptBackUntilComplete) {
  H1RequestParser parser;
  const std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const H1Progress progress = parser.next(bytes.substr(0, size));
    ASSERT_EQ(progress.event, H1Event::kNeedMore) << size;
    ASSERT_EQ(progress.consumed, 0U);
  }
  EXPECT_EQ(parser.next(bytes).consumed, bytes.size());
}

}  // namespace
}  // namespace sluice::http::testing
