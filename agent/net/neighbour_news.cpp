// SPDX-License-Identifier: Apache-2.0
#include "agent/net/neighbour_news.hpp"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/base/unique_fd.hpp"

namespace sluice::net {
namespace {

constexpr HardwareAddress kEveryone{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr HardwareAddress kAllNodes{0x33, 0x33, 0, 0, 0, 1};
constexpr std::size_t kIpv6Header = 40;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::uint8_t kAdvertisement = 136;
constexpr std::uint8_t kOverride = 0x20;  // of what the neighbours know

std::vector<std::uint8_t> gratuitous_arp(const IpAddress& address,
                                         const HardwareAddress& hardware) {
  // Ethernet, IPv4, 6 and 4 bytes, a request whose sender and target are the same.
  std::vector<std::uint8_t> out{0, 1, 8, 0, 6, 4, 0, ARPOP_REQUEST};
  const auto ip = address.bytes.begin() + 12;
  out.insert(out.end(), hardware.begin(), hardware.end());
  out.insert(out.end(), ip, address.bytes.end());
  out.insert(out.end(), hardware.size(), 0);
  out.insert(out.end(), ip, address.bytes.end());
  return out;
}

// RFC 1071, over the pseudo header of RFC 8200, section 8.1.
std::uint16_t checksum(const std::vector<std::uint8_t>& packet) {
  std::uint32_t sum = kIcmpv6 + static_cast<std::uint32_t>(packet.size() - kIpv6Header);
  for (std::size_t i = 8; i + 1 < packet.size(); i += 2) {
    sum += static_cast<std::uint32_t>(packet[i] << 8 | packet[i + 1]);
  }
  while ((sum >> 16) != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::vector<std::uint8_t> advertisement(const IpAddress& address, const HardwareAddress& hardware) {
  constexpr std::uint8_t kLength = 32;  // ICMPv6 with one option
  std::vector<std::uint8_t> out{0x60, 0, 0, 0, 0, kLength, kIcmpv6, 255};
  out.insert(out.end(), address.bytes.begin(), address.bytes.end());
  const std::array<std::uint8_t, 16> all_nodes{0xff, 0x02, 0, 0, 0, 0, 0, 0,
                                               0,    0,    0, 0, 0, 0, 0, 1};
  out.insert(out.end(), all_nodes.begin(), all_nodes.end());
  out.insert(out.end(), {kAdvertisement, 0, 0, 0, kOverride, 0, 0, 0});
  out.insert(out.end(), address.bytes.begin(), address.bytes.end());
  out.insert(out.end(), {2, 1});  // target's link-layer address
  out.insert(out.end(), hardware.begin(), hardware.end());
  const std::uint16_t sum = checksum(out);
  out[kIpv6Header + 2] = static_cast<std::uint8_t>(sum >> 8);
  out[kIpv6Header + 3] = static_cast<std::uint8_t>(sum);
  return out;
}

}  // namespace

std::vector<std::uint8_t> neighbour_news(const IpAddress& address,
                                         const HardwareAddress& hardware) {
  return address.is_v4() ? gratuitous_arp(address, hardware) : advertisement(address, hardware);
}

Result<void> tell_neighbours(const IpAddress& address, std::uint32_t link) {
  const bool v4 = address.is_v4();
  UniqueFd fd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("cannot open a packet socket (it needs CAP_NET_RAW)", errno);
  ifreq request{};
  if (::if_indextoname(link, request.ifr_name) == nullptr) {
    return fail_errno("the interface is gone", errno);
  }
  if (::ioctl(fd.get(), SIOCGIFHWADDR, &request) != 0) {
    return fail_errno("cannot read the interface's hardware address", errno);
  }
  if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER) return {};
  HardwareAddress hardware{};
  std::memcpy(hardware.data(), request.ifr_hwaddr.sa_data, hardware.size());
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(v4 ? ETH_P_ARP : ETH_P_IPV6);
  to.sll_ifindex = static_cast<int>(link);
  to.sll_halen = ETH_ALEN;
  std::ranges::copy(v4 ? kEveryone : kAllNodes, to.sll_addr);
  const auto frame = neighbour_news(address, hardware);
  if (::sendto(fd.get(), frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&to),
               sizeof to) < 0) {
    return fail_errno("cannot tell the neighbours of an address", errno);
  }
  return {};
}

}  // namespace sluice::net
