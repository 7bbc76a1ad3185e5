// SPDX-License-Identifier: Apache-2.0
// Tells the hosts of a link that an address is reached at this host's interface from now on: a gratuitous ARP
// (RFC 5227, section 3) or an unsolicited neighbour advertisement (RFC 4861, section 7.2.6). Callers: cluster.
// Thread: any.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/ip_address.hpp"

namespace sluice::net {

using HardwareAddress = std::array<std::uint8_t, 6>;

// Sends one; to be repeated, because it may be lost. Needs CAP_NET_RAW. Fine on links without such addresses.
[[nodiscard]] Result<void> tell_neighbours(const IpAddress& address, std::uint32_t link);

// The frame that it sends, without the Ethernet header. Pure.
[[nodiscard]] std::vector<std::uint8_t> neighbour_news(const IpAddress& address,
                                                       const HardwareAddress& hardware);

}  // namespace sluice::net
