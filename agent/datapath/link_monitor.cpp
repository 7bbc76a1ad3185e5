// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/link_monitor.hpp"

#include <linux/if.h>
#include <linux/if_link.h>

#include <array>
#include <cstring>

#include "agent/base/log.hpp"
#include "agent/datapath/route_reach.hpp"

namespace sluice::datapath {

Link parse_link(std::span<const std::byte> body) {
  ifinfomsg info{};
  if (body.size() < sizeof info) return {};
  std::memcpy(&info, body.data(), sizeof info);
  // AF_BRIDGE messages are about a port's membership: their RTM_DELLINK does not mean that the
  // device is gone.
  if (info.ifi_family != AF_UNSPEC || info.ifi_index <= 0) return {};
  Link link;
  link.index = static_cast<std::uint32_t>(info.ifi_index);
  link.type = info.ifi_type;
  link.loopback = (info.ifi_flags & IFF_LOOPBACK) != 0;
  bool netns_id = false;
  net::NetlinkAttributes(body.subspan(NLMSG_ALIGN(sizeof info)))
      .each([&](std::uint16_t type, std::span<const std::byte> value) {
        if (type == IFLA_IFNAME) link.name = net::netlink_text(value);
        if (type == IFLA_MTU) link.mtu = net::netlink_u32(value);
        if (type == IFLA_MASTER) link.master = net::netlink_u32(value);
        if (type == IFLA_LINK_NETNSID) netns_id = true;
        if (type == IFLA_LINKINFO)
          link.kind = net::netlink_text(net::NetlinkAttributes(value).find(IFLA_INFO_KIND));
      });
  link.peer_elsewhere = netns_id && (link.kind == "veth" || link.kind == "netkit");
  return link;
}

Result<LinkMonitor> LinkMonitor::open() {
  // Listening starts before the dump, so that nothing falls in between.
  auto events = net::NetlinkSocket::open(RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE);
  if (!events) return tl::unexpected(events.error());
  LinkMonitor monitor(std::move(*events));
  if (auto dumped = monitor.dump_routes(); !dumped) return tl::unexpected(dumped.error());
  if (auto dumped = monitor.dump(); !dumped) return tl::unexpected(dumped.error());
  return monitor;
}

Result<void> LinkMonitor::dump() {
  auto socket = net::NetlinkSocket::open(0);
  if (!socket) return tl::unexpected(socket.error());
  std::map<std::uint32_t, Link> found;
  std::array<std::byte, sizeof(ifinfomsg)> body{};  // all zero: every link
  auto done = socket->request(RTM_GETLINK, NLM_F_DUMP, body,
                              [&](const nlmsghdr& header, std::span<const std::byte> message) {
                                if (header.nlmsg_type != RTM_NEWLINK) return;
                                Link link = parse_link(message);
                                link.leads_on = leading_on_.contains(link.index);
                                if (link.index != 0) found[link.index] = std::move(link);
                              });
  if (!done) return done;
  links_ = std::move(found);
  std::erase_if(leading_on_, [this](std::uint32_t index) { return !links_.contains(index); });
  return {};
}

Result<void> LinkMonitor::dump_routes() {
  auto socket = net::NetlinkSocket::open(0);
  if (!socket) return tl::unexpected(socket.error());
  const std::array<std::byte, sizeof(rtmsg)> body{};  // all zero: of every family and table
  return socket->request(RTM_GETROUTE, NLM_F_DUMP, body,
                         [this](const nlmsghdr& header, std::span<const std::byte> message) {
                           if (header.nlmsg_type == RTM_NEWROUTE) (void)note_route(message);
                         });
}

bool LinkMonitor::note_route(std::span<const std::byte> body) {
  bool changed = false;
  for (const std::uint32_t index : interfaces_leading_on(body)) {
    leading_on_.insert(index);
    const auto link = links_.find(index);
    if (link == links_.end() || link->second.leads_on) continue;
    link->second.leads_on = true;
    changed = true;
  }
  return changed;
}

bool LinkMonitor::poll() {
  bool changed = false;
  bool gone = false;
  auto drained = events_.drain([&](const nlmsghdr& header, std::span<const std::byte> message) {
    if (header.nlmsg_type == RTM_NEWROUTE) changed |= note_route(message);
    if (header.nlmsg_type != RTM_NEWLINK && header.nlmsg_type != RTM_DELLINK) return;
    Link link = parse_link(message);
    if (link.index == 0) return;
    link.leads_on = leading_on_.contains(link.index);
    gone |= header.nlmsg_type == RTM_DELLINK;
    Link& known = links_[link.index];
    if (known == link) return;
    known = std::move(link);
    changed = true;
  });
  if (!drained) {
    log::warn("datapath", "{}; reading all links again", drained.error().message);
    if (auto dumped = dump_routes(); !dumped)
      log::warn("datapath", "cannot list the routes: {}", dumped.error().message);
  }
  if (drained && !gone) return changed;
  // When one end of a veth moves to another namespace, only that end is reported, as deleted. So the other end has to
  // be looked at again.
  if (auto dumped = dump(); !dumped)
    log::warn("datapath", "cannot list the links: {}", dumped.error().message);
  return true;
}

}  // namespace sluice::datapath
