// SPDX-License-Identifier: Apache-2.0
// Between addresses and map keys.
#include <arpa/inet.h>
#include <gtest/gtest.h>

#include "agent/datapath/flow_table.hpp"

namespace sluice::datapath {
namespace {

SocketAddress at(const char* text) { return SocketAddress::parse(text).value_or(SocketAddress{}); }

TEST(AbiConvert, Ip4IsMapped) {
  const lb_address address = to_abi(at("192.0.2.1:0").ip);
  EXPECT_EQ(address.words[0], 0U);
  EXPECT_EQ(address.words[1], 0U);
  EXPECT_EQ(address.words[2], htonl(0xffff));
  EXPECT_EQ(address.words[3], inet_addr("192.0.2.1"));
}

TEST(AbiConvert, TuplesGoThereAndBack) {
  for (const char* text : {"192.0.2.1:80", "[2001:db8::1]:65535"}) {
    const lb_tuple tuple = make_tuple(at(text), at("[2001:db8::2]:1"));
    EXPECT_EQ(source_of(tuple), at(text));
    EXPECT_EQ(destination_of(tuple), at("[2001:db8::2]:1"));
    EXPECT_EQ(source_of(reverse(tuple)), at("[2001:db8::2]:1"));
    EXPECT_EQ(destination_of(reverse(tuple)), at(text));
  }
}

TEST(AbiConvert, AddressDifferenceIsAOnesComplementSum) {
  const lb_tuple from = make_tuple(at("10.0.0.1:1"), at("10.0.0.2:2"));
  const lb_tuple to = make_tuple(at("10.0.0.3:3"), at("10.0.0.4:4"));
  // Ports do not count. 4 more in the last words, in network byte order.
  EXPECT_EQ(address_difference(from, to) % 0xffffffff, htonl(4));
  EXPECT_EQ(address_difference(from, from) % 0xffffffff, 0U);
}

}  // namespace
}  // namespace sluice::datapath
