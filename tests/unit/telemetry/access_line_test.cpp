// SPDX-License-Identifier: Apache-2.0
// What a line of the access log looks like, and that no client can make it look like another.
#include "agent/telemetry/access_line.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace sluice::telemetry {
namespace {

using std::chrono::microseconds;

AccessLine sample() {
  AccessLine line;
  line.start = std::chrono::system_clock::time_point(std::chrono::milliseconds(1764000000042));
  line.downstream = *SocketAddress::parse("192.0.2.7:40000");
  line.peer = *SocketAddress::parse("198.51.100.4:555");
  line.upstream = *SocketAddress::parse("10.1.2.3:8080");
  line.method = "GET";
  line.authority = "shop.example.com";
  line.path = "/cart?x=1";
  line.protocol = "HTTP/1.1";
  line.status = 200;
  line.bytes_in = 12;
  line.bytes_out = 3456;
  line.total = microseconds(12345);
  line.upstream_time = microseconds(11005);
  line.lb_time = microseconds(40);
  line.route = "default/shop#2";
  line.file = "shop.yaml";
  line.file_line = 14;
  line.cluster = "shop.default.svc.cluster.local|v1|80";
  line.attempts = 1;
  line.request_id = "0af7651916cd43dd8448eb211c80319c";
  line.tier = "request";
  line.requests = 1;
  return line;
}

std::string text(const AccessLine& line) {
  return std::string(AccessLineWriter(false).write(line));
}
std::string json(const AccessLine& line) { return std::string(AccessLineWriter(true).write(line)); }

TEST(AccessLine, OfText) {
  EXPECT_EQ(text(sample()),
            "2025-11-24T16:00:00.042Z 192.0.2.7:40000 \"GET shop.example.com /cart?x=1 HTTP/1.1\" "
            "200 - in=12 out=3456 total_ms=12.345 upstream_ms=11.005 lb_ms=0.040 "
            "upstream=10.1.2.3:8080 cluster=shop.default.svc.cluster.local|v1|80 "
            "route=default/shop#2 at=shop.yaml:14 attempts=1 tier=request "
            "id=0af7651916cd43dd8448eb211c80319c peer=198.51.100.4:555 requests=1\n");
}

TEST(AccessLine, OfJson) {
  EXPECT_EQ(json(sample()),
            "{\"start\":\"2025-11-24T16:00:00.042Z\",\"downstream\":\"192.0.2.7:40000\","
            "\"upstream\":\"10.1.2.3:8080\",\"method\":\"GET\",\"authority\":\"shop.example.com\","
            "\"path\":\"/cart?x=1\",\"protocol\":\"HTTP/1.1\",\"status\":200,\"reason\":\"\","
            "\"bytes_in\":12,\"bytes_out\":3456,\"total_ms\":12.345,\"upstream_ms\":11.005,"
            "\"lb_ms\":0.040,\"cluster\":\"shop.default.svc.cluster.local|v1|80\","
            "\"route\":\"default/shop#2\",\"at\":\"shop.yaml:14\",\"attempts\":1,"
            "\"tier\":\"request\",\"request_id\":\"0af7651916cd43dd8448eb211c80319c\","
            "\"peer\":\"198.51.100.4:555\",\"requests\":1}\n");
}

TEST(AccessLine, OfARequestThatWentNowhere) {
  AccessLine line;
  line.start = sample().start;
  line.downstream = line.peer = *SocketAddress::parse("[2001:db8::1]:9");
  line.status = 400;
  line.reason = "bare_lf";
  line.requests = 1;
  line.tier = "request";
  EXPECT_EQ(text(line),
            "2025-11-24T16:00:00.042Z [2001:db8::1]:9 \"   \" 400 bare_lf in=0 out=0 "
            "total_ms=0.000 upstream_ms=0.000 lb_ms=0.000 upstream=- cluster=- route=- at=- "
            "attempts=0 tier=request id=- peer=[2001:db8::1]:9 requests=1\n");
  EXPECT_NE(json(line).find("\"upstream\":null"), std::string::npos);
  EXPECT_NE(json(line).find("\"at\":\"\""), std::string::npos);
}

TEST(AccessLine, TimesFollowTheClockAndAreNeverNegative) {
  AccessLineWriter writer(false);
  AccessLine line = sample();
  EXPECT_TRUE(writer.write(line).starts_with("2025-11-24T16:00:00.042Z"));
  line.start += std::chrono::milliseconds(1000);
  EXPECT_TRUE(writer.write(line).starts_with("2025-11-24T16:00:01.042Z"));
  line.total = Nanoseconds(-5);
  EXPECT_NE(writer.write(line).find("total_ms=0.000"), std::string::npos);
}

TEST(AccessLine, EscapesWhatWouldEndAValueOrALine) {
  AccessLine line = sample();
  line.path = "/\" 500 -\n2025 \\\x7f\xc3";
  line.request_id = "a b\r\nid=c";
  EXPECT_NE(
      text(line).find("\"GET shop.example.com /\\\" 500 -\\x0a2025 \\\\\\x7f\\xc3 HTTP/1.1\""),
      std::string::npos)
      << text(line);
  EXPECT_NE(text(line).find(" id=a\\x20b\\x0d\\x0aid=c peer="), std::string::npos) << text(line);
  EXPECT_NE(json(line).find("\"path\":\"/\\\" 500 -\\u000a2025 \\\\\\u007f\\u00c3\""),
            std::string::npos)
      << json(line);
}

// Any bytes: one line end, printable ASCII, and as many unescaped quotes as there are without them.
TEST(AccessLine, HasOneLineEndAndItsQuotesWhateverBytesComeIn) {
  std::mt19937 random(3);
  const auto unescaped_quotes = [](const std::string& line) {
    int quotes = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '\\') {
        ++i;
      } else if (line[i] == '"') {
        ++quotes;
      }
    }
    return quotes;
  };
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    for (auto n = random() % 40; n > 0; --n) bytes += static_cast<char>(random());
    AccessLine line = sample();
    line.method = line.authority = line.path = line.request_id = line.reason = bytes;
    line.route = line.cluster = line.file = bytes;
    for (const std::string& written : {text(line), json(line)}) {
      EXPECT_EQ(std::count(written.begin(), written.end(), '\n'), 1);
      EXPECT_TRUE(std::all_of(written.begin(), written.end() - 1,
                              [](char c) { return c >= 0x20 && c <= 0x7e; }));
    }
    EXPECT_EQ(unescaped_quotes(text(line)), 2) << text(line);
    EXPECT_EQ(unescaped_quotes(json(line)), unescaped_quotes(json(sample()))) << json(line);
  }
}

TEST(AccessLine, CutsAValueThatIsTooLong) {
  AccessLine line = sample();
  const std::string path(20'000, 'a');
  line.path = path;
  EXPECT_LT(text(line).size(), AccessLineWriter::kMaxValue + 500);
  EXPECT_NE(text(line).find("a... HTTP/1.1"), std::string::npos);
}

}  // namespace
}  // namespace sluice::telemetry
