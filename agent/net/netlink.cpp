// SPDX-License-Identifier: Apache-2.0
#include "agent/net/netlink.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

namespace sluice::net {
namespace {

// The kernel builds dump messages of up to 32 KiB when the reader offers that much.
constexpr std::size_t kReceiveBytes = 32768;
constexpr int kNotificationBuffer = 1 << 20;

tl::unexpected<Error> netlink_failure(std::string what, int number) {
  if (number == EPERM || number == EACCES) {
    return fail(ErrorCode::kUnsupported, std::move(what) +
                                             ": not permitted; run the agent as root, or grant it "
                                             "CAP_NET_ADMIN");
  }
  return fail_errno(std::move(what), number);
}

enum class Outcome { kMore, kEnd };

struct Parsed {
  Outcome outcome = Outcome::kMore;
  int error = 0;
};

Parsed handle(const nlmsghdr& header, std::span<const std::byte> body,
              const NetlinkHandler& handler) {
  if (header.nlmsg_type == NLMSG_DONE) return {Outcome::kEnd, 0};
  if (header.nlmsg_type == NLMSG_ERROR) {
    nlmsgerr answer{};
    if (body.size() < sizeof answer) return {Outcome::kEnd, EBADMSG};
    std::memcpy(&answer, body.data(), sizeof answer);
    return {Outcome::kEnd, -answer.error};
  }
  handler(header, body);
  // Without NLM_F_MULTI a message is the whole answer to a request, or a notification.
  return {(header.nlmsg_flags & NLM_F_MULTI) != 0 ? Outcome::kMore : Outcome::kEnd, 0};
}

Parsed handle_all(std::span<const std::byte> bytes, const NetlinkHandler& handler) {
  Parsed last;
  while (bytes.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > bytes.size())
      return {Outcome::kEnd, EBADMSG};
    last = handle(header, bytes.subspan(NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN), handler);
    if (last.error != 0) return last;
    bytes = bytes.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), bytes.size()));
  }
  return last;
}

}  // namespace

Result<NetlinkSocket> NetlinkSocket::open(std::uint32_t groups) {
  const int flags = SOCK_CLOEXEC | (groups != 0 ? SOCK_NONBLOCK : 0);
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | flags, NETLINK_ROUTE));
  if (!fd) return netlink_failure("cannot open a netlink socket", errno);
  if (groups != 0) {
    // A node that starts hundreds of pods at once sends bursts; a loss only costs a dump.
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kNotificationBuffer,
                       sizeof kNotificationBuffer);
  }
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return netlink_failure("cannot listen to netlink", errno);
  return NetlinkSocket(std::move(fd));
}

Result<void> NetlinkSocket::request(std::uint16_t type, std::uint16_t flags,
                                    std::span<const std::byte> body,
                                    const NetlinkHandler& handler) {
  std::vector<std::byte> message(NLMSG_HDRLEN + body.size());
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(message.size());
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  header.nlmsg_seq = ++sequence_;
  std::memcpy(message.data(), &header, sizeof header);
  if (!body.empty()) std::memcpy(message.data() + NLMSG_HDRLEN, body.data(), body.size());
  if (::send(fd_.get(), message.data(), message.size(), 0) < 0)
    return netlink_failure("cannot send a netlink request", errno);

  std::vector<std::byte> buffer(kReceiveBytes);
  for (;;) {
    const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return netlink_failure("cannot read a netlink answer", errno);
    const Parsed parsed = handle_all({buffer.data(), static_cast<std::size_t>(size)}, handler);
    if (parsed.error != 0) return netlink_failure("netlink request refused", parsed.error);
    if (parsed.outcome == Outcome::kEnd) return {};
  }
}

Result<void> NetlinkSocket::drain(const NetlinkHandler& handler) {
  std::vector<std::byte> buffer(kReceiveBytes);
  for (;;) {
    const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {};
    if (size < 0 && errno == ENOBUFS)
      return fail(ErrorCode::kExhausted, "link notifications were lost: more came than fit");
    if (size < 0) return netlink_failure("cannot read link notifications", errno);
    (void)handle_all({buffer.data(), static_cast<std::size_t>(size)}, handler);
  }
}

void NetlinkAttributes::each(
    const std::function<void(std::uint16_t, std::span<const std::byte>)>& visit) const {
  std::span<const std::byte> rest = bytes_;
  while (rest.size() >= sizeof(nlattr)) {
    nlattr header{};
    std::memcpy(&header, rest.data(), sizeof header);
    if (header.nla_len < NLA_HDRLEN || header.nla_len > rest.size()) return;
    visit(header.nla_type & NLA_TYPE_MASK,
          rest.subspan(NLA_HDRLEN, static_cast<std::size_t>(header.nla_len) - NLA_HDRLEN));
    rest = rest.subspan(std::min<std::size_t>(NLA_ALIGN(header.nla_len), rest.size()));
  }
}

std::span<const std::byte> NetlinkAttributes::find(std::uint16_t type) const {
  std::span<const std::byte> found;
  bool done = false;
  each([&](std::uint16_t candidate, std::span<const std::byte> value) {
    if (candidate == type && !done) found = value;
    if (candidate == type) done = true;
  });
  return found;
}

void NetlinkMessage::add(std::uint16_t type, std::span<const std::byte> value) {
  nlattr header{};
  header.nla_type = type;
  header.nla_len = static_cast<std::uint16_t>(NLA_HDRLEN + value.size());
  add_raw(std::as_bytes(std::span(&header, 1)));
  add_raw(value);
}

void NetlinkMessage::add_raw(std::span<const std::byte> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
}

std::uint32_t netlink_u32(std::span<const std::byte> value) {
  std::uint32_t number = 0;
  if (value.size() >= sizeof number) std::memcpy(&number, value.data(), sizeof number);
  return number;
}

std::string_view netlink_text(std::span<const std::byte> value) {
  const std::string_view text(reinterpret_cast<const char*>(value.data()), value.size());
  return text.substr(0, text.find('\0'));
}

}  // namespace sluice::net
