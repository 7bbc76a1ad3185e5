// SPDX-License-Identifier: Apache-2.0
#include "agent/telemetry/admin_request.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluice::telemetry {
namespace {

int status_of(const std::string& head) {
  const auto request = parse_admin_request(head);
  return request ? request->error_status : -1;
}

TEST(AdminRequest, PathWithoutQuery) {
  const auto request = parse_admin_request("GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->error_status, 0);
  EXPECT_EQ(request->path, "/metrics");
  EXPECT_FALSE(request->head_only);
}

TEST(AdminRequest, WaitsForTheWholeHead) {
  const std::string head = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
  for (std::size_t size = 0; size < head.size(); ++size) {
    EXPECT_FALSE(parse_admin_request(head.substr(0, size))) << size;
  }
  EXPECT_TRUE(parse_admin_request(head));
  EXPECT_TRUE(parse_admin_request("GET / HTTP/1.0\n\n"));
}

TEST(AdminRequest, RefusesWhatIsNotPlainlyRight) {
  EXPECT_EQ(status_of("POST /metrics HTTP/1.1\r\n\r\n"), 405);
  EXPECT_EQ(status_of("GET metrics HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /a b HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /\x01 HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\n\r\n"), 505);
  EXPECT_EQ(status_of("\r\n\r\n"), 400);
  EXPECT_EQ(status_of(std::string("\x16\x03\x01\0\n\n", 6)), 400);
  EXPECT_EQ(status_of("GET http://x/metrics HTTP/1.1\r\n\r\n"), 400);
}

TEST(AdminRequest, TooLongHeadsAre431) {
  EXPECT_EQ(status_of(std::string(kMaxHeadBytes, 'a')), 431);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nX: " + std::string(kMaxHeadBytes, 'a') + "\r\n\r\n"), 431);
  EXPECT_EQ(status_of("GET /" + std::string(kMaxHeadBytes - 100, 'a') + " HTTP/1.1\r\n\r\n"), 0);
}

// Whatever arrives, in pieces: an answer once there is an empty line or too much, never a success by accident.
TEST(AdminRequest, RandomBytesNeverPassAsARequest) {
  std::mt19937 random(7);
  using std::string_literals::operator""s;
  const std::string alphabet = "GET /\r\n\0:H1.\xff "s;
  std::uniform_int_distribution<std::size_t> pick(0, alphabet.size() - 1);
  for (int round = 0; round < 20'000; ++round) {
    std::string head;
    for (std::size_t size = pick(random) * 4; size > 0; --size) head += alphabet[pick(random)];
    const auto request = parse_admin_request(head + "\r\n\r\n");
    ASSERT_TRUE(request) << testing::PrintToString(head);
    EXPECT_NE(request->error_status, 0) << testing::PrintToString(head);
  }
}

TEST(AdminResponse, ProbesTellTheReason) {
  AdminCallbacks callbacks;
  callbacks.ready = [] { return std::string("no configuration yet"); };
  const std::string bad = admin_response({0, false, "/readyz"}, callbacks);
  EXPECT_TRUE(bad.starts_with("HTTP/1.1 503 ")) << bad;
  EXPECT_TRUE(bad.ends_with("\r\n\r\nno configuration yet\n")) << bad;
  const std::string good = admin_response({0, false, "/healthz"}, callbacks);
  EXPECT_TRUE(good.starts_with("HTTP/1.1 200 ")) << good;
}

TEST(AdminResponse, HeadHasTheLengthButNoBody) {
  AdminCallbacks callbacks;
  callbacks.metrics = [] { return std::string("sluice_up 1\n"); };
  const std::string head = admin_response({0, true, "/metrics"}, callbacks);
  EXPECT_NE(head.find("Content-Length: 12\r\n"), std::string::npos);
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
  EXPECT_EQ(admin_response({0, false, "/metrics"}, callbacks), head + "sluice_up 1\n");
}

TEST(AdminResponse, UnknownPathsNameTheKnownOnes) {
  const std::string text = admin_response({0, false, "/metric"}, {});
  EXPECT_TRUE(text.starts_with("HTTP/1.1 404 ")) << text;
  EXPECT_NE(text.find("/metrics"), std::string::npos);
}

}  // namespace
}  // namespace sluice::telemetry
