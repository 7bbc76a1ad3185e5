// SPDX-License-Identifier: Apache-2.0
// A proxy's record becomes a line of the access log, with the route's name and place.
#include "agent/app/access_sink.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace sluice::app {
namespace {

class AccessSinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "access_sink_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    host_.name = "default/shop";
    host_.routes.resize(3);
    host_.routes[2].origin.file = "shop.yaml";
    host_.routes[2].origin.line = 14;
    decision_.virtual_host = &host_;
    decision_.route = &host_.routes[2];
    share_.cluster = "shop|v1|80";
    record_.request = &head_;
    record_.peer = *SocketAddress::parse("192.0.2.7:40000");
    record_.method = "GET";
    record_.path = "/cart";
    record_.authority = "shop";
    record_.status = 200;
    record_.route = &decision_;
    record_.share = &share_;
    record_.endpoint = SocketAddress::parse("10.1.2.3:8080");
    record_.attempts = 1;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // The line that `record_` becomes.
  std::string line() {
    const std::string path = directory_ + "/log";
    {
      auto log = telemetry::AccessLog::start({.target = path}, 1);
      EXPECT_TRUE(log) << log.error().message;
      AccessSink sink((*log)->lane(0));
      EXPECT_TRUE(sink.wants());
      if (carried_) {
        sink.record(*carried_);
      } else {
        sink.record(record_);
      }
    }
    std::ifstream file(path);
    std::string text;
    std::getline(file, text);
    return text;
  }
  static bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  std::string directory_;
  model::VirtualHost host_;
  routing::Decision decision_;
  snapshot::Share share_;
  http::RequestHead head_;
  proxy::AccessRecord record_;
  std::optional<proxy::CarriedRecord> carried_;
};

TEST_F(AccessSinkTest, NamesRouteClusterAndEndpoint) {
  const std::string text = line();
  EXPECT_TRUE(has(text, "\"GET shop /cart HTTP/1.1\" 200 - ")) << text;
  EXPECT_TRUE(has(text,
                  " upstream=10.1.2.3:8080 cluster=shop|v1|80 route=default/shop#2 "
                  "at=shop.yaml:14 attempts=1 tier=request "))
      << text;
}

TEST_F(AccessSinkTest, SaysWhatIsMissing) {
  record_.route = nullptr;
  record_.share = nullptr;
  record_.endpoint.reset();
  record_.status = 404;
  record_.reason = "no_route";
  head_.minor_version = 0;
  const std::string text = line();
  EXPECT_TRUE(has(text, "HTTP/1.0\" 404 no_route ")) << text;
  EXPECT_TRUE(has(text, " upstream=- cluster=- route=- at=- ")) << text;
}

TEST_F(AccessSinkTest, TellsAConnectionThatTheKernelTook) {
  record_.promoted = true;
  const std::string text = line();
  EXPECT_TRUE(has(text, " tier=connection ")) << text;
  EXPECT_TRUE(has(text, " requests=0")) << "the connection's own line counts it: " << text;
}

TEST_F(AccessSinkTest, TellsTheEndOfAConnectionThatTheKernelCarried) {
  carried_.emplace();
  carried_->client = *SocketAddress::parse("192.0.2.7:40000");
  carried_->endpoint = *SocketAddress::parse("10.1.2.3:8080");
  carried_->cluster = "shop|v1|80";
  carried_->reason = "closed";
  carried_->requests = 17;
  carried_->bytes_in = 170;
  carried_->bytes_out = 1700;
  carried_->total = Milliseconds(2500);
  const std::string text = line();
  EXPECT_TRUE(has(text, " 192.0.2.7:40000 \"   \" 0 closed in=170 out=1700 total_ms=2500.000 "))
      << text;
  EXPECT_TRUE(has(text, " upstream=10.1.2.3:8080 cluster=shop|v1|80 route=- at=- ")) << text;
  EXPECT_TRUE(has(text, " tier=connection ")) << text;
  EXPECT_TRUE(has(text, " requests=17")) << text;
}

}  // namespace
}  // namespace sluice::app
