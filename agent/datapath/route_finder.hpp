// SPDX-License-Identifier: Apache-2.0
// RouteFinder: by which interface and from which address this node reaches another address.
// Callers: steer. Thread: any; one object a thread. A question is one message to the kernel and back, and never waits.
#pragma once
#include <optional>

#include "agent/base/ip_address.hpp"
#include "agent/net/netlink.hpp"

namespace sluice::datapath {

struct Route {
  std::uint32_t ifindex = 0;
  IpAddress source;
  bool on_link = false;  // no router between
};

// From an RTM_NEWROUTE answer; nullopt when it says no interface or no source.
[[nodiscard]] std::optional<Route> parse_route(std::span<const std::byte> body);

class RouteFinder {
 public:
  static Result<RouteFinder> open();
  [[nodiscard]] std::optional<Route> find(const IpAddress& to);

 private:
  explicit RouteFinder(net::NetlinkSocket socket) : socket_(std::move(socket)) {}
  net::NetlinkSocket socket_;
};

}  // namespace sluice::datapath
