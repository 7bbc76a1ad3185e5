// SPDX-License-Identifier: Apache-2.0
#include "agent/steer/port_pool.hpp"

#include <gtest/gtest.h>

#include <set>

namespace sluice::steer {
namespace {

const SocketAddress kPod = *SocketAddress::parse("192.0.2.1:80");
const SocketAddress kOther = *SocketAddress::parse("192.0.2.2:80");
const TimePoint kStart{std::chrono::seconds(100)};

TEST(PortPool, HandsOutEachPortOnceForAnEndpoint) {
  PortPool pool(1000, 1009);
  std::set<std::uint16_t> seen;
  for (int i = 0; i < 10; ++i) seen.insert(pool.take(kPod, kStart).value());
  EXPECT_EQ(seen.size(), 10U);
  EXPECT_EQ(*seen.begin(), 1000);
  EXPECT_EQ(*seen.rbegin(), 1009);
  EXPECT_FALSE(pool.take(kPod, kStart));
  EXPECT_TRUE(pool.take(kOther, kStart)) << "another endpoint has the whole range again";
}

TEST(PortPool, AReleasedPortCoolsBeforeItComesBack) {
  PortPool pool(1000, 1001);
  const auto first = pool.take(kPod, kStart).value();
  ASSERT_TRUE(pool.take(kPod, kStart));
  pool.release(kPod, first, kStart, Milliseconds(2'000));
  EXPECT_FALSE(pool.take(kPod, kStart + Milliseconds(1'999)));
  EXPECT_EQ(pool.take(kPod, kStart + Milliseconds(2'000)), first);
}

TEST(PortPool, AdoptedPortsAreNotHandedOut) {
  PortPool pool(1000, 1002);
  EXPECT_TRUE(pool.take_exactly(kPod, 1001));
  EXPECT_FALSE(pool.take_exactly(kPod, 1001));
  EXPECT_FALSE(pool.take_exactly(kPod, 999)) << "outside of the range";
  EXPECT_EQ(pool.take(kPod, kStart), 1000);
  EXPECT_EQ(pool.take(kPod, kStart), 1002);
  EXPECT_FALSE(pool.take(kPod, kStart));
  EXPECT_EQ(pool.in_use(), 3U);
  pool.release(kPod, 1001, kStart, Milliseconds(0));
  EXPECT_EQ(pool.take(kPod, kStart), 1001);
}

TEST(PortPool, AnAdoptedPortThatWasReleasedEarlyIsHandedOutInItsTurn) {
  PortPool pool(1000, 1001);
  ASSERT_TRUE(pool.take_exactly(kPod, 1001));
  pool.release(kPod, 1001, kStart, Milliseconds(0));
  EXPECT_EQ(pool.take(kPod, kStart), 1000);
  EXPECT_EQ(pool.take(kPod, kStart), 1001);
  EXPECT_FALSE(pool.take(kPod, kStart));
}

TEST(PortPool, APortInTimeWaitDoesNotKeepBackTheOthers) {
  PortPool pool(1000, 1001);
  const auto first = pool.take(kPod, kStart).value();
  const auto second = pool.take(kPod, kStart).value();
  pool.release(kPod, first, kStart, Milliseconds(60'000));
  pool.release(kPod, second, kStart, Milliseconds(2'000));
  EXPECT_EQ(pool.take(kPod, kStart + Milliseconds(2'000)), second);
}

TEST(PortPool, MayBeginAnywhereAndStillHandsOutEveryPortOnce) {
  PortPool pool(1000, 1004, 13);
  EXPECT_TRUE(pool.take_exactly(kPod, 1000));  // of an earlier agent
  std::vector<std::uint16_t> ports;
  while (const auto port = pool.take(kPod, kStart)) ports.push_back(*port);
  EXPECT_EQ(ports, (std::vector<std::uint16_t>{1003, 1004, 1001, 1002}));
  pool.release(kPod, 1004, kStart, Milliseconds(0));
  EXPECT_EQ(pool.take(kPod, kStart), 1004);
}

TEST(PortPool, EndpointsThatAreGoneAreForgottenOnceTheirPortsHaveCooled) {
  PortPool pool(1000, 1009);
  const auto port = pool.take(kPod, kStart).value();
  ASSERT_TRUE(pool.take(kOther, kStart));  // stays in use
  pool.release(kPod, port, kStart, Milliseconds(2'000));
  const SocketAddress third = *SocketAddress::parse("192.0.2.3:80");
  ASSERT_TRUE(pool.take(third, kStart + Milliseconds(1'999)));
  EXPECT_EQ(pool.endpoints(), 3U) << "its port still cools";
  ASSERT_TRUE(pool.take(*SocketAddress::parse("192.0.2.4:80"), kStart + Milliseconds(2'000)));
  EXPECT_EQ(pool.endpoints(), 3U);
  EXPECT_EQ(pool.take(kOther, kStart), 1001);
}

}  // namespace
}  // namespace sluice::steer
