// SPDX-License-Identifier: Apache-2.0
// LinkMonitor: the interfaces of the current network namespace, as rtnetlink reports them, and whether routes lead on
// behind them. A route that goes does not take that back: it costs a little speed, the opposite would cost packets.
// Thread: main. Invariants: links() is what the kernel said last; lost notifications are made up
// for by a dump.
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "agent/base/error.hpp"
#include "agent/net/netlink.hpp"

namespace sluice::datapath {

struct Link {
  std::string name{};
  std::string kind{};  // "veth", "bridge", "vlan"...; empty for hardware
  std::uint32_t index = 0;
  std::uint32_t mtu = 0;
  std::uint32_t master = 0;  // of a bridge's or bond's port
  std::uint16_t type = 0;    // ARPHRD_*
  bool loopback = false;
  bool peer_elsewhere = false;  // its other end is in another network namespace
  bool leads_on = false;        // routes through it lead further than to the host at its other end

  bool operator==(const Link&) const = default;
};

// The link of an RTM_NEWLINK or RTM_DELLINK message; index 0 when it is malformed or about
// something else.
[[nodiscard]] Link parse_link(std::span<const std::byte> body);

class LinkMonitor {
 public:
  static Result<LinkMonitor> open();

  [[nodiscard]] int fd() const { return events_.fd(); }
  // Reads all notifications. True: links() changed.
  bool poll();
  [[nodiscard]] const std::map<std::uint32_t, Link>& links() const { return links_; }

 private:
  explicit LinkMonitor(net::NetlinkSocket events) : events_(std::move(events)) {}
  Result<void> dump();
  Result<void> dump_routes();
  // True: that changed a link.
  bool note_route(std::span<const std::byte> body);

  net::NetlinkSocket events_;
  std::set<std::uint32_t> leading_on_;
  std::map<std::uint32_t, Link> links_;
};

}  // namespace sluice::datapath
