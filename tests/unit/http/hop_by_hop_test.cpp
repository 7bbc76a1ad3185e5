// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "agent/http/h1_codec.hpp"

namespace sluice::http {
namespace {

std::string names(const HeaderMap& map) {
  std::string out;
  for (std::size_t i = 0; i < map.size(); ++i) out.append(map.at(i).name).append(" ");
  return out;
}

TEST(HopByHop, DropsTheFixedSet) {
  HeaderMap map;
  for (const char* name : {"Host", "connection", "Keep-Alive", "Proxy-Connection", "te", "X",
                           "Transfer-Encoding", "Upgrade", "CONTENT-LENGTH", "Accept"}) {
    map.add(name, "x-nothing");
  }
  strip_hop_by_hop(map);
  EXPECT_EQ(names(map), "Host X Transfer-Encoding CONTENT-LENGTH Accept ");
}

TEST(HopByHop, TellsWhetherTheReceiverSeesADifference) {
  const auto differs = [](const char* name, const char* value) {
    HeaderMap map;
    map.add("Accept", "*/*");
    map.add(name, value);
    return strip_hop_by_hop(map);
  };
  EXPECT_FALSE(differs("X", "1"));
  EXPECT_FALSE(differs("Connection", "keep-alive, CLOSE"));
  EXPECT_FALSE(differs("Keep-Alive", "timeout=5"));
  EXPECT_FALSE(differs("Proxy-Connection", "keep-alive"));
  EXPECT_TRUE(differs("Connection", "keep-alive, accept"));
  EXPECT_TRUE(differs("te", "trailers"));
  EXPECT_FALSE(differs("Trailer", "X"));
  EXPECT_TRUE(differs("Upgrade", "websocket"));
}

TEST(HopByHop, DropsWhatConnectionNamesBeforeAndBehindIt) {
  HeaderMap map;
  map.add("X-Early", "1");
  map.add("Connection", "close, x-late");
  map.add("X-Late", "2");
  map.add("Connection", "X-EARLY");
  map.add("X-Other", "3");
  strip_hop_by_hop(map);
  EXPECT_EQ(names(map), "X-Other ");
}

TEST(HopByHop, ConnectionCannotMoveTheFraming) {
  HeaderMap map;
  map.add("Connection", "content-length, Transfer-Encoding");
  map.add("Content-Length", "3");
  map.add("Accept", "*/*");
  strip_hop_by_hop(map);
  EXPECT_EQ(names(map), "Content-Length Accept ");
}

TEST(HopByHop, ConnectionCannotNameHostOrForwardedFields) {
  HeaderMap map;
  map.add("Host", "a");
  map.add("X-Forwarded-For", "1.2.3.4");
  map.add("x-forwarded-proto", "https");
  map.add("X-Gone", "1");
  map.add("Connection", "host, X-Forwarded-For, x-forwarded-PROTO, x-gone");
  strip_hop_by_hop(map);
  EXPECT_EQ(names(map), "Host X-Forwarded-For x-forwarded-proto ");
}

}  // namespace
}  // namespace sluice::http
