// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/route_finder.hpp"

#include <sys/socket.h>

#include <cstring>

namespace sluice::datapath {
namespace {

constexpr std::size_t kBytes4 = 4;
constexpr std::size_t kBytes6 = 16;

std::optional<IpAddress> address_from(std::span<const std::byte> value) {
  if (value.size() == kBytes4) {
    in_addr address{};
    std::memcpy(&address, value.data(), kBytes4);
    return IpAddress::v4(address);
  }
  if (value.size() != kBytes6) return std::nullopt;
  IpAddress out;
  std::memcpy(out.bytes.data(), value.data(), kBytes6);
  return out;
}

}  // namespace

std::optional<Route> parse_route(std::span<const std::byte> body) {
  rtmsg header{};
  if (body.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, body.data(), sizeof header);
  if (header.rtm_type != RTN_UNICAST) return std::nullopt;
  const net::NetlinkAttributes attributes(body.subspan(NLMSG_ALIGN(sizeof header)));
  const auto source = address_from(attributes.find(RTA_PREFSRC));
  const std::uint32_t index = net::netlink_u32(attributes.find(RTA_OIF));
  if (index == 0 || !source) return std::nullopt;
  return Route{index, *source,
               attributes.find(RTA_GATEWAY).empty() && attributes.find(RTA_VIA).empty()};
}

Result<RouteFinder> RouteFinder::open() {
  auto socket = net::NetlinkSocket::open(0);
  if (!socket) return tl::unexpected(socket.error());
  return RouteFinder(std::move(*socket));
}

std::optional<Route> RouteFinder::find(const IpAddress& to) {
  const bool v4 = to.is_v4();
  const std::size_t size = v4 ? kBytes4 : kBytes6;
  rtmsg route{};
  route.rtm_family = static_cast<unsigned char>(v4 ? AF_INET : AF_INET6);
  route.rtm_dst_len = static_cast<unsigned char>(8 * size);
  net::NetlinkMessage question(route);
  question.add(RTA_DST, std::as_bytes(std::span(to.bytes)).last(size));
  std::optional<Route> found;
  const auto asked =
      socket_.request(RTM_GETROUTE, 0, question.bytes(),
                      [&found](const nlmsghdr& answer, std::span<const std::byte> content) {
                        if (answer.nlmsg_type == RTM_NEWROUTE) found = parse_route(content);
                      });
  return asked ? found : std::nullopt;
}

}  // namespace sluice::datapath
