// SPDX-License-Identifier: Apache-2.0
#include "agent/base/ip_address.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(IpAddress, OneFormForBothFamilies) {
  const auto four = IpAddress::parse("192.0.2.1");
  const auto mapped = IpAddress::parse("::ffff:192.0.2.1");
  ASSERT_TRUE(four && mapped);
  EXPECT_EQ(*four, *mapped);
  EXPECT_TRUE(four->is_v4());
  EXPECT_EQ(to_string(*mapped), "192.0.2.1");
}

TEST(IpAddress, RejectsWhatIsNoAddress) {
  for (const char* text :
       {"", "1.2.3", "1.2.3.4.5", "01.2.3.256", "fe80::1%eth0", "[::1]", "example"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

TEST(IpAddress, KnowsLoopbackAndAny) {
  EXPECT_TRUE(IpAddress::parse("127.9.9.9")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("::1")->is_loopback());
  EXPECT_FALSE(IpAddress::parse("::2")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("0.0.0.0")->is_unspecified());
  EXPECT_TRUE(IpAddress{}.is_unspecified());
}

TEST(IpPrefix, ParsesPrintsAndContains) {
  const auto block = IpPrefix::parse("10.1.2.3/9");
  ASSERT_TRUE(block);
  EXPECT_EQ(to_string(*block), "10.0.0.0/9");
  EXPECT_TRUE(block->contains(*IpAddress::parse("10.127.255.255")));
  EXPECT_FALSE(block->contains(*IpAddress::parse("10.128.0.0")));
  EXPECT_FALSE(block->contains(*IpAddress::parse("a00::")));
  EXPECT_EQ(to_string(*IpPrefix::parse("192.0.2.1")), "192.0.2.1/32");
  EXPECT_EQ(to_string(*IpPrefix::parse("fd00:1::5/20")), "fd00::/20");
  EXPECT_TRUE(IpPrefix::parse("::/0")->contains(*IpAddress::parse("192.0.2.1")));
  EXPECT_TRUE(IpPrefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("192.0.2.1")));
  EXPECT_FALSE(IpPrefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("2001:db8::1")));
}

TEST(IpPrefix, RefusesWhatIsNone) {
  for (const char* text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "::/129", "a/8"}) {
    EXPECT_FALSE(IpPrefix::parse(text)) << text;
  }
}

TEST(SocketAddress, ParsesAndPrints) {
  EXPECT_EQ(to_string(*SocketAddress::parse("192.0.2.1:80")), "192.0.2.1:80");
  EXPECT_EQ(to_string(*SocketAddress::parse("[2001:db8::1]:443")), "[2001:db8::1]:443");
  for (const char* text :
       {"2001:db8::1:443", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:8a"}) {
    EXPECT_FALSE(SocketAddress::parse(text)) << text;
  }
}

TEST(SocketAddress, RoundTripsThroughSockaddr) {
  for (const char* text : {"192.0.2.1:80", "[2001:db8::1]:443"}) {
    for (const auto form : {SocketAddress::Form::kNative, SocketAddress::Form::kMapped}) {
      sockaddr_storage storage;
      const auto address = *SocketAddress::parse(text);
      ASSERT_GT(address.to_sockaddr(storage, form), 0U);
      EXPECT_EQ(SocketAddress::from_sockaddr(storage), address);
    }
  }
}

}  // namespace
}  // namespace sluice
