// SPDX-License-Identifier: Apache-2.0
#include "agent/cluster/address_pool.hpp"

#include <gtest/gtest.h>

namespace sluice::cluster {
namespace {

IpAddress ip(const std::string& text) { return *IpAddress::parse(text); }

config::GatewayStatus gateway(const std::string& name,
                              std::vector<config::GatewayStatus::Address> wanted = {},
                              std::vector<config::GatewayStatus::Address> has = {}) {
  config::GatewayStatus out;
  out.target = {"gateway.networking.k8s.io/v1", "Gateway", "default", name, 1};
  out.wanted_addresses = std::move(wanted);
  out.addresses = std::move(has);
  return out;
}

std::string first_of(const AddressGrant& grant) {
  return grant.addresses.empty() ? grant.reason : to_string(grant.addresses.front());
}

TEST(AddressPool, IsWrittenAsBlocksRangesAndSingleAddresses) {
  const auto pool = AddressPool::parse("10.0.0.0/30, 10.1.0.5-10.1.0.6,10.2.0.9, fd00::/126");
  ASSERT_TRUE(pool);
  for (const char* in :
       {"10.0.0.1", "10.0.0.2", "10.1.0.5", "10.1.0.6", "10.2.0.9", "fd00::1", "fd00::3"}) {
    EXPECT_TRUE(pool->contains(ip(in))) << in;
  }
  // The first and the last address of an IPv4 block belong to the subnet itself.
  for (const char* out : {"10.0.0.0", "10.0.0.3", "10.1.0.4", "10.1.0.7", "fd00::", "fd00::4"}) {
    EXPECT_FALSE(pool->contains(ip(out))) << out;
  }
  for (const char* wrong : {"", "10.0.0.0/33", "a", "10.0.0.9-10.0.0.8", "10.0.0.1-fd00::1",
                            "10.0.0.1,,10.0.0.2", "0.0.0.0/0-1", "::/0"}) {
    EXPECT_FALSE(AddressPool::parse(wrong)) << wrong;
  }
}

TEST(AddressPlan, GivesEachGatewayAnAddressOfItsOwnAndLeavesItToIt) {
  const auto pool = *AddressPool::parse("10.0.0.0/29");
  const auto plan = plan_addresses(
      {gateway("a"), gateway("b", {}, {{"IPAddress", "10.0.0.1"}}), gateway("c")}, pool);
  EXPECT_EQ(first_of(plan.at("default/b")), "10.0.0.1");
  EXPECT_EQ(first_of(plan.at("default/a")), "10.0.0.2");
  EXPECT_EQ(first_of(plan.at("default/c")), "10.0.0.3");
}

TEST(AddressPlan, TakesBackAnAddressThatTwoHaveOrThatIsNoLongerInThePool) {
  const auto pool = *AddressPool::parse("10.0.0.0/29");
  const auto plan = plan_addresses(
      {gateway("a", {}, {{"IPAddress", "10.0.0.4"}}), gateway("b", {}, {{"IPAddress", "10.0.0.4"}}),
       gateway("c", {}, {{"IPAddress", "10.9.0.4"}})},
      pool);
  EXPECT_EQ(first_of(plan.at("default/a")), "10.0.0.4");
  EXPECT_EQ(first_of(plan.at("default/b")), "10.0.0.1");
  EXPECT_EQ(first_of(plan.at("default/c")), "10.0.0.2");
}

TEST(AddressPlan, GivesTheAddressThatAGatewayNamesOrSaysWhyNot) {
  const auto pool = *AddressPool::parse("10.0.0.0/29");
  const auto plan = plan_addresses(
      {gateway("a", {}, {{"IPAddress", "10.0.0.4"}}), gateway("named", {{"IPAddress", "10.0.0.5"}}),
       gateway("taken", {{"IPAddress", "10.0.0.4"}}),
       gateway("outside", {{"IPAddress", "10.9.0.1"}}), gateway("strange", {{"Hostname", "x"}}),
       gateway("any", {{"IPAddress", ""}})},
      pool);
  EXPECT_EQ(first_of(plan.at("default/named")), "10.0.0.5");
  EXPECT_EQ(plan.at("default/taken").reason, "AddressNotUsable");
  EXPECT_NE(plan.at("default/taken").message.find("default/a"), std::string::npos);
  EXPECT_EQ(plan.at("default/outside").reason, "AddressNotUsable");
  EXPECT_EQ(plan.at("default/strange").reason, "UnsupportedAddress");
  EXPECT_TRUE(plan.at("default/strange").unsupported);
  EXPECT_EQ(first_of(plan.at("default/any")), "10.0.0.1");
}

TEST(AddressPlan, SaysThatThereIsNoAddressLeftOrNoPool) {
  const auto small = plan_addresses({gateway("a"), gateway("b")}, *AddressPool::parse("10.0.0.1"));
  EXPECT_EQ(small.at("default/b").reason, "AddressNotAssigned");
  const auto none = plan_addresses({gateway("a"), gateway("b", {{"IPAddress", "10.0.0.1"}})}, {});
  EXPECT_EQ(none.at("default/a").reason, "AddressNotAssigned");
  EXPECT_NE(none.at("default/a").message.find("--address-pool"), std::string::npos);
  EXPECT_EQ(first_of(none.at("default/b")), "10.0.0.1");
}

}  // namespace
}  // namespace sluice::cluster
