// SPDX-License-Identifier: Apache-2.0
// Property: what was accepted and is written again reads the same, so both ends of the proxy agree.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/http/feed.hpp"

namespace sluice::http::testing {
namespace {

// Everything but the target as received (absolute-form becomes origin-form) and the version
// (always 1.1).
std::string comparable(RequestHead head) {
  head.target.clear();
  head.scheme.clear();
  if (head.isolate) head.keep_alive = true;  // a matter of this connection
  return describe(head);
}

void expect_round_trip(const std::string& bytes) {
  H1RequestParser first;
  ASSERT_EQ(first.next(bytes).event, H1Event::kHead) << bytes << first.error().message;
  std::string written;
  write_request_head(first.head(), written);
  H1RequestParser second;
  const H1Progress progress = second.next(written);
  ASSERT_EQ(progress.event, H1Event::kHead) << written << second.error().message;
  EXPECT_EQ(progress.consumed, written.size());
  EXPECT_EQ(comparable(first.head()), comparable(second.head())) << written;
  std::string again;
  write_request_head(second.head(), again);
  EXPECT_EQ(again, written);
}

TEST(RoundTrip, TargetForms) {
  expect_round_trip("GET /a?b=c HTTP/1.1\r\nHost: a\r\n\r\n");
  expect_round_trip("GET /a? HTTP/1.1\r\nHost: a\r\n\r\n");
  expect_round_trip("GET http://b:81/x?y HTTP/1.1\r\nX: 1\r\nHost: a\r\n\r\n");
  expect_round_trip("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
  expect_round_trip("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n");
}

std::string random_text(std::mt19937& random, std::string_view alphabet, std::size_t at_most) {
  std::string out;
  for (std::size_t n = random() % (at_most + 1); n > 0; --n)
    out += alphabet[random() % alphabet.size()];
  return out;
}

TEST(RoundTrip, RandomHeads) {
  constexpr std::string_view kToken = "abcXYZ019-_.!#$%&'*+^`|~";
  constexpr std::string_view kTarget = "abc/019-_.~%?=&;:@!$'()*+,[]{}|\"<>^`\\";
  constexpr std::string_view kValue = "abc XYZ\t019,;:=\"()<>@/\\[]?{}\xe4\xff";
  constexpr const char* kFraming[] = {"", "Content-Length: 12\r\n", "Content-Length: 0\r\n",
                                      "Transfer-Encoding: chunked\r\n"};
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = "M" + random_text(random, kToken, 8) + " /" +
                        random_text(random, kTarget, 30) + " HTTP/1.1\r\nHost: a.example\r\n";
    for (unsigned n = random() % 8; n > 0; --n) {
      bytes +=
          "X" + random_text(random, kToken, 12) + ": " + random_text(random, kValue, 40) + "\r\n";
    }
    bytes += kFraming[random() % 4];
    expect_round_trip(bytes + "\r\n");
    if (HasFatalFailure()) return;
  }
}

// docs/steering.md: a steered request arrives raw, so a proxied one must not look different.
TEST(RoundTrip, ProxiedHeadIsWhatASteeredOneWouldBe) {
  for (const char* framing : {"content-length: 12\r\n", "TRANSFER-Encoding: chunked\r\n", ""}) {
    const std::string bytes = std::string("POST /a?b HTTP/1.1\r\nAccept: */*\r\n") + framing +
                              "host: A.example\r\nx-a: 1\r\nX-A: 2\r\nx-empty: \r\n\r\n";
    H1RequestParser parser;
    ASSERT_EQ(parser.next(bytes).event, H1Event::kHead);
    strip_hop_by_hop(parser.head().headers);
    std::string written;
    write_request_head(parser.head(), written);
    EXPECT_EQ(written, bytes);
  }
}

TEST(RoundTrip, ResponseHeads) {
  for (const char* bytes : {"HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 5\r\n\r\n",
                            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nX: y\r\n\r\n",
                            "HTTP/1.1 200 \r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n",
                            "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
                            "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"}) {
    H1ResponseParser parser;
    parser.reset("GET");
    ASSERT_EQ(parser.next(bytes).event, H1Event::kHead);
    std::string written;
    write_response_head(parser.head(), true, written);
    EXPECT_EQ(written, bytes);
  }
}

}  // namespace
}  // namespace sluice::http::testing
