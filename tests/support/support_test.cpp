// SPDX-License-Identifier: Apache-2.0
// The checkers must be right before anything they check: framing, hashes, random sizes, percentiles.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/body_pattern.hpp"
#include "tests/support/echo_request.hpp"
#include "tests/support/http_wire.hpp"
#include "tests/support/load_plan.hpp"
#include "tests/support/load_report.hpp"

namespace sluice::support {
namespace {

std::string decode(WireBody& body, std::string_view input, std::size_t piece) {
  std::string out;
  while (!input.empty() && !body.done() && !body.bad()) {
    std::string_view part = input.substr(0, piece);
    while (!part.empty()) {
      std::string_view data;
      const std::size_t used = body.step(part, data);
      if (used == 0) return out;
      out.append(data);
      part.remove_prefix(used);
      input.remove_prefix(used);
    }
  }
  return out;
}

TEST(WireBody, ChunksDecodeTheSameHoweverTheyAreCut) {
  const std::string wire = "5;name=x\r\nhello\r\nA\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n";
  for (std::size_t piece = 1; piece <= wire.size(); ++piece) {
    WireBody body;
    body.start_chunked();
    EXPECT_EQ(decode(body, wire, piece), "hello0123456789") << piece;
    EXPECT_TRUE(body.done()) << piece;
  }
}

TEST(WireBody, StopsAtTheEndOfTheMessage) {
  WireBody body;
  body.start_length(3);
  std::string_view data;
  EXPECT_EQ(body.step("abcdef", data), 3U);
  EXPECT_EQ(data, "abc");
  EXPECT_TRUE(body.done());
}

TEST(WireBody, DamagedChunkIsSeen) {
  for (const char* wire : {"5\r\nhelloX\r\n", "zz\r\n", "5\nhello", "-1\r\n"}) {
    WireBody body;
    body.start_chunked();
    (void)decode(body, wire, 1);
    EXPECT_TRUE(body.bad()) << wire;
  }
}

TEST(WireHead, FieldsAreFoundInAnyCase) {
  WireHead head;
  ASSERT_EQ(
      parse_head("GET /x?y HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Close\r\n\r\nrest", head),
      WireStatus::kOk);
  EXPECT_EQ(head.second, "/x?y");
  EXPECT_EQ(head.field("hOST"), "a");
  EXPECT_TRUE(head.has_token("connection", "close"));
  EXPECT_FALSE(head.has_token("connection", "clos"));
  EXPECT_EQ(
      head.bytes,
      std::string("GET /x?y HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Close\r\n\r\n").size());
  EXPECT_EQ(parse_head("GET / HTTP/1.1\r\nHo", head), WireStatus::kNeedMore);
}

TEST(BodyHash, IsTheSameHoweverTheBytesAreCut) {
  std::string bytes(1000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
  BodyHash whole;
  whole.update(bytes);
  for (std::size_t piece : {1U, 3U, 7U, 8U, 9U, 64U}) {
    BodyHash parts;
    for (std::size_t at = 0; at < bytes.size(); at += piece) parts.update(bytes.substr(at, piece));
    EXPECT_EQ(parts.value(), whole.value()) << piece;
  }
}

TEST(BodyHash, SeesLengthAndOrder) {
  const auto hash_of = [](std::string_view text) {
    BodyHash hash;
    hash.update(text);
    return hash.value();
  };
  EXPECT_NE(hash_of("a"), hash_of(std::string_view("a\0", 2)));
  EXPECT_NE(hash_of("aaaaaaaabbbbbbbb"), hash_of("bbbbbbbbaaaaaaaa"));
  EXPECT_NE(hash_of(""), hash_of(std::string_view("\0", 1)));
}

TEST(Pattern, OneWrongBitOrAShiftIsSeen) {
  std::string body;
  while (body.size() < 3'000'000) body.append(pattern_piece(5, body.size(), 100'000));
  EXPECT_TRUE(pattern_matches(5, 0, body));
  EXPECT_TRUE(pattern_matches(5, 1'234'567, std::string_view(body).substr(1'234'567)));
  EXPECT_FALSE(pattern_matches(5, 1, body));
  EXPECT_FALSE(pattern_matches(6, 0, body));
  body[2'500'000] ^= 1;
  EXPECT_FALSE(pattern_matches(5, 0, body));
}

TEST(Random, LogUniformKeepsItsBoundsAndReachesBoth) {
  Random random(3);
  std::uint64_t small = 0;
  std::uint64_t large = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t value = random.log_uniform(0, 8U << 20);
    ASSERT_LE(value, 8U << 20);
    small += value == 0 ? 1 : 0;
    large += value > (1U << 20) ? 1 : 0;
  }
  EXPECT_GT(small, 1000U);
  EXPECT_GT(large, 1000U);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t value = random.log_uniform(100, 200);
    ASSERT_GE(value, 100U);
    ASSERT_LE(value, 200U);
  }
}

TEST(LatencyHistogram, PercentilesAreWithinTwoPercent) {
  LatencyHistogram histogram;
  for (std::uint64_t i = 1; i <= 100'000; ++i) histogram.add(i);
  for (const double percent : {1.0, 50.0, 90.0, 99.0}) {
    const auto value = static_cast<double>(histogram.percentile(percent));
    EXPECT_NEAR(value, percent * 1000, percent * 20) << percent;
  }
  EXPECT_EQ(histogram.max(), 100'000U);
  EXPECT_EQ(histogram.percentile(100), 100'000U);
}

TEST(EchoControls, WrongValuesAreRefused) {
  EchoControls controls;
  EXPECT_TRUE(parse_controls("size=10&seed=4&chunked=1&unknown=x&reset=body", controls));
  EXPECT_EQ(controls.size, 10U);
  EXPECT_TRUE(controls.chunked);
  EXPECT_EQ(controls.misbehave, Misbehave::kResetInBody);
  for (const char* wrong :
       {"size=", "size=-1", "size=x", "status=99", "headers=9999999", "delay=1s"}) {
    EchoControls fresh;
    EXPECT_FALSE(parse_controls(wrong, fresh)) << wrong;
  }
}

}  // namespace
}  // namespace sluice::support
