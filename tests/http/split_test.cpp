// SPDX-License-Identifier: Apache-2.0
// Property: how the network cuts a message never changes what is read from it, accepted or refused.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/http/feed.hpp"

namespace sluice::http::testing {
namespace {

using std::string_literals::operator""s;

const std::vector<std::string>& requests() {
  static const std::vector<std::string> kRequests = {
      "GET /a?b HTTP/1.1\r\nHost: a\r\nX-Long: " + std::string(40, 'v') + "\r\n\r\n",
      "\r\nGET http://b:80/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=\"y z\"\r\nhello\r\n"
      "1\r\n!\r\n0\r\nT: u\r\nV: w\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n",
      "GET / HTTP/1.1\nHost: a\n\n",
      "GET / HTTP/1.1\r\nHost: a\r\n\n",
      "GET / HTTP/1.1\r\nHost: a\r\n\rX\r\n",
      "GET / HTTP/1.1\r\nbad name: a\rb\nc\r\n\r\n",
      "GET / HTTP/1.1\r\nbad name: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
      "GET /  HTTP/1.1\r\r\n",
      "\x16\x03\x01\x00\r\n\r\n"s,
      "\x16\r\n\r\n"s,
      "\0\r\n"s,
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a\rb\r\nhello\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA b: c\rd\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff0\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nC: d\r\nE: f\rg\r\n\r\n",
  };
  return kRequests;
}

// Small enough that some of the messages above reach them.
constexpr H1Limits kTight{.head_bytes = 60, .fields = 2, .trailer_bytes = 8, .chunk_line_bytes = 6};

class Split : public ::testing::TestWithParam<std::size_t> {};

TEST_P(Split, AtEveryByteGivesTheSameEvents) {
  const std::string& bytes = requests()[GetParam()];
  for (const H1Limits& limits : {H1Limits{}, kTight}) {
    const std::string expected = feed_requests(bytes, whole(), limits).events;
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      ASSERT_EQ(feed_requests(bytes, cut_at(cut), limits).events, expected) << "cut at " << cut;
    }
    for (const std::size_t size : {1U, 2U, 3U, 7U}) {
      ASSERT_EQ(feed_requests(bytes, every(size), limits).events, expected) << size << " a read";
    }
  }
}

TEST_P(Split, AtRandomBytesOfADamagedCopyGivesTheSameEvents) {
  std::mt19937 random(static_cast<unsigned>(GetParam()) + 1);
  const std::string alphabet = "\r\n\t :;,\0a0Z\x7f\xff"s;
  for (int round = 0; round < 300; ++round) {
    std::string bytes = requests()[GetParam()];
    const auto damage = 1 + random() % 3;
    for (unsigned i = 0; i < damage; ++i) {
      const std::size_t at = random() % bytes.size();
      bytes[at] = alphabet[random() % alphabet.size()];
    }
    const H1Limits limits = round % 2 == 0 ? H1Limits{} : kTight;
    const std::string expected = feed_requests(bytes, whole(), limits).events;
    ASSERT_EQ(feed_requests(bytes, every(1), limits).events, expected) << bytes;
    ASSERT_EQ(feed_requests(
                  bytes, [&](std::size_t) { return 1 + random() % 9; }, limits)
                  .events,
              expected)
        << bytes;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Split, ::testing::Range<std::size_t>(0, requests().size()));

TEST(SplitResponse, AtEveryByteGivesTheSameEvents) {
  for (const std::string& bytes :
       {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"s,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n"s,
        "HTTP/1.1 200 OK\r\nX: y\r\n\r\nuntil the end"s, "HTTP/1.1 200 OK\r\nX: y\n\r\n"s,
        "HTTP/1.1 20x\r\n\r\n"s}) {
    const std::string expected = feed_responses(bytes, "GET", true).events;
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      ASSERT_EQ(feed_responses(bytes, "GET", true, cut_at(cut)).events, expected) << cut;
    }
    ASSERT_EQ(feed_responses(bytes, "GET", true, every(1)).events, expected);
  }
}

// What was searched is not searched again, or a head sent byte by byte would cost its length
// squared: line ends that appear there afterwards go unseen.
TEST(SplitCost, SearchGoesOnWhereItStopped) {
  H1RequestParser parser;
  std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(100, 'y');
  ASSERT_EQ(parser.next(bytes).event, H1Event::kNeedMore);
  bytes.assign(bytes.size(), '\n');
  EXPECT_EQ(parser.next(bytes + "z").event, H1Event::kNeedMore);
}

}  // namespace
}  // namespace sluice::http::testing
