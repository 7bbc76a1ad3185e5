// SPDX-License-Identifier: Apache-2.0
// LocalAddresses: addresses of this host on its interfaces, and single ones that are lent to it: the kernel takes those
// away by itself unless they are lent again in time, so that a process which dies leaves none behind. rtnetlink
// (RTM_NEWADDR with IFA_CACHEINFO). Callers: cluster. Thread: any, one for each object.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/ip_address.hpp"
#include "agent/net/netlink.hpp"

namespace sluice::net {

struct LocalAddress {
  std::uint32_t link = 0;  // interface index
  IpPrefix subnet;         // what its link holds
  IpAddress address;
};

class LocalAddresses {
 public:
  static Result<LocalAddresses> open();

  // All of them, of both families, in the kernel's order.
  [[nodiscard]] Result<std::vector<LocalAddress>> list();
  // Adds the address by itself (/32, /128), or lengthens its time. Fails as well where it is there without an end.
  Result<void> lend(const IpAddress& address, std::uint32_t link, std::chrono::seconds time);
  // Fine when it is not there.
  Result<void> take_back(const IpAddress& address, std::uint32_t link);

 private:
  explicit LocalAddresses(NetlinkSocket socket) : socket_(std::move(socket)) {}

  NetlinkSocket socket_;
};

// The link whose subnet holds the address: the longest prefix that is more than the address itself; 0: none does.
[[nodiscard]] std::uint32_t link_of(const std::vector<LocalAddress>& addresses,
                                    const IpAddress& address);

}  // namespace sluice::net
