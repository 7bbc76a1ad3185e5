// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/route_reach.hpp"

#include <sys/socket.h>

#include <cstring>

#include "agent/net/netlink.hpp"

namespace sluice::datapath {
namespace {

constexpr unsigned char kHostBits4 = 32;
constexpr unsigned char kHostBits6 = 128;

bool has_gateway(const net::NetlinkAttributes& attributes) {
  return !attributes.find(RTA_GATEWAY).empty() || !attributes.find(RTA_VIA).empty();
}

// fe80::/10 stands on every link of its own accord.
bool is_link_local(const rtmsg& route, std::span<const std::byte> destination) {
  return route.rtm_family == AF_INET6 && destination.size() >= 2 &&
         destination[0] == std::byte{0xfe} && (destination[1] & std::byte{0xc0}) == std::byte{0x80};
}

void add_next_hops(std::span<const std::byte> hops, bool network, std::vector<std::uint32_t>& out) {
  while (hops.size() >= sizeof(rtnexthop)) {
    rtnexthop hop{};
    std::memcpy(&hop, hops.data(), sizeof hop);
    if (hop.rtnh_len < sizeof hop || hop.rtnh_len > hops.size()) return;
    const net::NetlinkAttributes attributes(hops.subspan(sizeof hop, hop.rtnh_len - sizeof hop));
    if (hop.rtnh_ifindex > 0 && (network || has_gateway(attributes))) {
      out.push_back(static_cast<std::uint32_t>(hop.rtnh_ifindex));
    }
    hops = hops.subspan(std::min<std::size_t>(RTNH_ALIGN(hop.rtnh_len), hops.size()));
  }
}

}  // namespace

std::vector<std::uint32_t> interfaces_leading_on(std::span<const std::byte> body) {
  std::vector<std::uint32_t> out;
  rtmsg route{};
  if (body.size() < sizeof route) return out;
  std::memcpy(&route, body.data(), sizeof route);
  const bool v4 = route.rtm_family == AF_INET;
  if ((!v4 && route.rtm_family != AF_INET6) || route.rtm_type != RTN_UNICAST) return out;
  const net::NetlinkAttributes attributes(body.subspan(NLMSG_ALIGN(sizeof route)));
  const bool network = route.rtm_dst_len < (v4 ? kHostBits4 : kHostBits6) &&
                       !is_link_local(route, attributes.find(RTA_DST));
  const std::uint32_t index = net::netlink_u32(attributes.find(RTA_OIF));
  if (index != 0 && (network || has_gateway(attributes))) out.push_back(index);
  add_next_hops(attributes.find(RTA_MULTIPATH), network, out);
  return out;
}

}  // namespace sluice::datapath
