// SPDX-License-Identifier: Apache-2.0
#include "agent/net/local_addresses.hpp"

#include <linux/if_addr.h>

#include <cstring>

namespace sluice::net {
namespace {

// IFA_PROTO of what we add: shown by `ip -d address`, so that people see whose it is. Older kernels ignore it.
constexpr std::uint16_t kProtoAttribute = 11;
constexpr std::uint8_t kProto = 0x53;
constexpr std::uint8_t kMappedBits = 96;
constexpr std::uint8_t kAllBits = 128;

std::span<const std::byte> native(const IpAddress& address) {
  const auto bytes = std::as_bytes(std::span(address.bytes));
  return address.is_v4() ? bytes.subspan(kMappedBits / 8) : bytes;
}

IpAddress from_native(int family, std::span<const std::byte> value) {
  if (family == AF_INET && value.size() == sizeof(in_addr)) {
    in_addr out{};
    std::memcpy(&out, value.data(), sizeof out);
    return IpAddress::v4(out);
  }
  if (family == AF_INET6 && value.size() == sizeof(in6_addr)) {
    in6_addr out{};
    std::memcpy(&out, value.data(), sizeof out);
    return IpAddress::v6(out);
  }
  return {};
}

IpPrefix subnet_of(const IpAddress& address, std::uint8_t bits) {
  IpPrefix out{address, bits};
  for (std::size_t bit = bits; bit < kAllBits; ++bit) {
    auto& byte = out.address.bytes[bit / 8];
    byte = static_cast<std::uint8_t>(byte & ~(0x80U >> (bit % 8)));
  }
  return out;
}

NetlinkMessage message_for(const IpAddress& address, std::uint32_t link) {
  ifaddrmsg fixed{};
  fixed.ifa_family = address.is_v4() ? AF_INET : AF_INET6;
  fixed.ifa_prefixlen = address.is_v4() ? 32 : 128;
  fixed.ifa_scope = RT_SCOPE_UNIVERSE;
  fixed.ifa_index = link;
  NetlinkMessage message(fixed);
  message.add(IFA_LOCAL, native(address));
  message.add(IFA_ADDRESS, native(address));
  return message;
}

}  // namespace

Result<LocalAddresses> LocalAddresses::open() {
  auto socket = NetlinkSocket::open(0);
  if (!socket) return tl::unexpected(socket.error());
  return LocalAddresses(std::move(*socket));
}

Result<std::vector<LocalAddress>> LocalAddresses::list() {
  std::vector<LocalAddress> out;
  const ifaddrmsg all{};
  auto done = socket_.request(
      RTM_GETADDR, NLM_F_DUMP, std::as_bytes(std::span(&all, 1)),
      [&out](const nlmsghdr& header, std::span<const std::byte> body) {
        ifaddrmsg fixed{};
        if (header.nlmsg_type != RTM_NEWADDR || body.size() < sizeof fixed) return;
        std::memcpy(&fixed, body.data(), sizeof fixed);
        const NetlinkAttributes attributes(body.subspan(NLMSG_ALIGN(sizeof fixed)));
        // On a point-to-point link IFA_ADDRESS is the other end.
        auto value = attributes.find(IFA_LOCAL);
        if (value.empty()) value = attributes.find(IFA_ADDRESS);
        const IpAddress address = from_native(fixed.ifa_family, value);
        if (address == IpAddress{}) return;
        const int bits = fixed.ifa_prefixlen + (address.is_v4() ? kMappedBits : 0);
        if (bits > kAllBits) return;
        out.push_back(
            {fixed.ifa_index, subnet_of(address, static_cast<std::uint8_t>(bits)), address});
      });
  if (!done) return tl::unexpected(done.error());
  return out;
}

Result<void> LocalAddresses::lend(const IpAddress& address, std::uint32_t link,
                                  std::chrono::seconds time) {
  NetlinkMessage message = message_for(address, link);
  ifa_cacheinfo times{};
  times.ifa_valid = static_cast<std::uint32_t>(time.count());
  times.ifa_prefered = times.ifa_valid;
  message.add_value(IFA_CACHEINFO, times);
  message.add_value(kProtoAttribute, kProto);
  // Without NODAD an IPv6 address could not be used for a second.
  message.add_value(IFA_FLAGS, std::uint32_t{IFA_F_NODAD | IFA_F_NOPREFIXROUTE});
  return socket_.request(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, message.bytes(),
                         [](const nlmsghdr&, std::span<const std::byte>) {});
}

Result<void> LocalAddresses::take_back(const IpAddress& address, std::uint32_t link) {
  const auto there = list();
  if (!there) return tl::unexpected(there.error());
  for (const LocalAddress& each : *there) {
    if (each.address != address || each.link != link) continue;
    return socket_.request(RTM_DELADDR, NLM_F_ACK, message_for(address, link).bytes(),
                           [](const nlmsghdr&, std::span<const std::byte>) {});
  }
  return {};
}

std::uint32_t link_of(const std::vector<LocalAddress>& addresses, const IpAddress& address) {
  std::uint32_t link = 0;
  int longest = -1;
  for (const LocalAddress& each : addresses) {
    if (each.address.is_v4() != address.is_v4() || each.address.is_loopback()) continue;
    if (each.subnet.bits >= kAllBits || !each.subnet.contains(address)) continue;
    if (each.subnet.bits <= longest) continue;
    longest = each.subnet.bits;
    link = each.link;
  }
  return link;
}

}  // namespace sluice::net
