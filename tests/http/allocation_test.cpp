// SPDX-License-Identifier: Apache-2.0
// A kept-alive connection in its steady state allocates nothing in the codec.
#include "tests/http/allocation_count.hpp"

#include <gtest/gtest.h>

#include <string>

#include "agent/http/h1_codec.hpp"

namespace sluice::http::testing {
namespace {

template <typename Parser>
bool consume(Parser& parser, std::string_view bytes) {
  for (std::size_t done = 0;;) {
    const H1Progress progress = parser.next(bytes.substr(done));
    done += progress.consumed;
    if (progress.event == H1Event::kComplete) return done == bytes.size();
    if (progress.event == H1Event::kError || progress.event == H1Event::kNeedMore) return false;
  }
}

TEST(Allocations, NoneForTheSecondRequestOfAKind) {
  const std::string fields =
      "Host: a.example\r\nConnection: x-hop\r\nX-Hop: 1\r\nX-Long: " + std::string(300, 'v') +
      "\r\n";
  const std::string bytes[] = {
      "GET http://b.example/a/long/path/that/fits/nowhere?query HTTP/1.1\r\n" + fields + "\r\n",
      "POST / HTTP/1.1\r\n" + fields + "Content-Length: 3\r\n\r\nabc",
      "POST / HTTP/1.1\r\n" + fields +
          "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: u\r\n\r\n"};
  H1RequestParser parser;
  std::string out;
  std::size_t before = 0;
  for (int round = 0; round < 3; ++round) {
    if (round == 1) before = allocation_count();
    for (const std::string& request : bytes) {
      parser.reset();
      ASSERT_TRUE(consume(parser, request));
      out.clear();
      write_request_head(parser.head(), out);
    }
  }
  EXPECT_EQ(allocation_count() - before, 0U);
}

TEST(Allocations, NoneForTheSecondResponse) {
  const std::string bytes =
      "HTTP/1.1 200 A long reason phrase that fits nowhere\r\nX: " + std::string(300, 'v') +
      "\r\nContent-Length: 3\r\n\r\nabc";
  H1ResponseParser parser;
  std::string out;
  std::size_t before = 0;
  for (int round = 0; round < 3; ++round) {
    if (round == 1) before = allocation_count();
    parser.reset("GET");
    ASSERT_TRUE(consume(parser, bytes));
    out.clear();
    write_response_head(parser.head(), true, out);
  }
  EXPECT_EQ(allocation_count() - before, 0U);
}

}  // namespace
}  // namespace sluice::http::testing
