// SPDX-License-Identifier: Apache-2.0
// Link messages, as the kernel sends them and as it never should.
#include <gtest/gtest.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>

#include <cstring>
#include <string>
#include <vector>

#include "agent/datapath/attacher.hpp"
#include "agent/datapath/link_monitor.hpp"

namespace sluice::datapath {
namespace {

using Bytes = std::vector<std::byte>;

void append(Bytes& out, const void* data, std::size_t size) {
  const auto* bytes = static_cast<const std::byte*>(data);
  out.insert(out.end(), bytes, bytes + size);
  out.resize((out.size() + 3) / 4 * 4);
}

Bytes attribute(std::uint16_t type, const void* data, std::size_t size) {
  const nlattr header{.nla_len = static_cast<std::uint16_t>(sizeof(nlattr) + size),
                      .nla_type = type};
  Bytes out;
  append(out, &header, sizeof header);
  append(out, data, size);
  return out;
}

Bytes text(std::uint16_t type, const std::string& value) {
  return attribute(type, value.c_str(), value.size() + 1);
}

Bytes number(std::uint16_t type, std::uint32_t value) {
  return attribute(type, &value, sizeof value);
}

Bytes message(int index, const std::vector<Bytes>& attributes, unsigned char family = 0) {
  ifinfomsg info{};
  info.ifi_family = family;
  info.ifi_index = index;
  info.ifi_type = ARPHRD_ETHER;
  Bytes out;
  append(out, &info, sizeof info);
  for (const Bytes& each : attributes) append(out, each.data(), each.size());
  return out;
}

Bytes veth_info() {
  const Bytes kind = text(IFLA_INFO_KIND, "veth");
  return attribute(IFLA_LINKINFO, kind.data(), kind.size());
}

TEST(Netlink, ReadsAVethWhosePeerIsElsewhere) {
  const Link link = parse_link(message(7, {text(IFLA_IFNAME, "cali7"), number(IFLA_MTU, 1450),
                                           veth_info(), number(IFLA_LINK_NETNSID, 0)}));
  EXPECT_EQ(link.index, 7U);
  EXPECT_EQ(link.name, "cali7");
  EXPECT_EQ(link.mtu, 1450U);
  EXPECT_TRUE(link.peer_elsewhere);
  EXPECT_FALSE(parse_link(message(7, {veth_info()})).peer_elsewhere);
  EXPECT_FALSE(parse_link(message(7, {number(IFLA_LINK_NETNSID, 0)})).peer_elsewhere);
}

TEST(Netlink, BridgePortMessagesAreNotAboutTheDevice) {
  EXPECT_EQ(parse_link(message(7, {text(IFLA_IFNAME, "x")}, AF_BRIDGE)).index, 0U);
}

TEST(Netlink, CutMessagesAreReadAsFarAsTheyGo) {
  const Bytes whole = message(7, {text(IFLA_IFNAME, "cali7"), number(IFLA_MTU, 1450), veth_info()});
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const Link link = parse_link(std::span(whole).first(size));
    EXPECT_TRUE(link.index == 7U || size < sizeof(ifinfomsg));
    EXPECT_TRUE(link.name.empty() || link.name == "cali7");
  }
}

TEST(Netlink, LengthsThatLieEndTheMessage) {
  Bytes bytes = message(7, {text(IFLA_IFNAME, "cali7"), number(IFLA_MTU, 1450)});
  for (const std::uint16_t length : std::initializer_list<std::uint16_t>{0, 1, 3, 500, 65535}) {
    std::memcpy(bytes.data() + sizeof(ifinfomsg), &length, sizeof length);
    EXPECT_EQ(parse_link(bytes).mtu, 0U) << length;
  }
}

TEST(Eligible, SaysWhyNot) {
  Link link{.name = "eth0", .index = 2, .type = ARPHRD_ETHER};
  EXPECT_EQ(not_eligible(link, {}), "");
  EXPECT_NE(not_eligible(link, {"eth0"}), "");
  EXPECT_NE(not_eligible(link, {"et*"}), "");
  EXPECT_EQ(not_eligible(link, {"eth", "eth01", "x*"}), "");
  link.master = 5;
  EXPECT_NE(not_eligible(link, {}), "");
  link.kind = "veth";
  EXPECT_EQ(not_eligible(link, {}), "");
  link.type = ARPHRD_NONE;
  EXPECT_EQ(not_eligible(link, {}), "");
  link.type = ARPHRD_IPGRE;
  EXPECT_NE(not_eligible(link, {}), "");
}

}  // namespace
}  // namespace sluice::datapath
