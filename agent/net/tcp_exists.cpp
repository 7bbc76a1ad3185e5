// SPDX-License-Identifier: Apache-2.0
#include "agent/net/tcp_exists.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "agent/base/unique_fd.hpp"

namespace sluice::net {
namespace {

constexpr std::size_t kBytes4 = 4;
constexpr std::uint32_t kAllStates = ~0U;

void put(const IpAddress& ip, __be32* out) {
  const bool v4 = ip.is_v4();
  const std::size_t skipped = v4 ? ip.bytes.size() - kBytes4 : 0;
  std::memcpy(out, ip.bytes.data() + skipped, ip.bytes.size() - skipped);
}

struct Question {
  nlmsghdr header{};
  inet_diag_req_v2 body{};
};

}  // namespace

bool tcp_socket_exists(const SocketAddress& local, const SocketAddress& remote) {
  const UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!fd) return true;
  Question question;
  question.header.nlmsg_len = sizeof question;
  question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  question.body.sdiag_family = local.ip.is_v4() ? AF_INET : AF_INET6;
  question.body.sdiag_protocol = IPPROTO_TCP;
  question.body.idiag_states = kAllStates;
  question.body.id.idiag_sport = htons(local.port);
  question.body.id.idiag_dport = htons(remote.port);
  put(local.ip, question.body.id.idiag_src);
  put(remote.ip, question.body.id.idiag_dst);
  question.body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  question.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  if (::send(fd.get(), &question, sizeof question, 0) < 0) return true;
  alignas(nlmsghdr) std::array<char, 2048> answer{};
  const ssize_t size = ::recv(fd.get(), answer.data(), answer.size(), MSG_DONTWAIT);
  if (size < static_cast<ssize_t>(sizeof(nlmsghdr) + sizeof(nlmsgerr))) return true;
  nlmsghdr header{};
  std::memcpy(&header, answer.data(), sizeof header);
  if (header.nlmsg_type != NLMSG_ERROR) {
    inet_diag_msg found{};
    if (size < static_cast<ssize_t>(NLMSG_HDRLEN + sizeof found)) return true;
    std::memcpy(&found, answer.data() + NLMSG_HDRLEN, sizeof found);
    return found.idiag_state != TCP_TIME_WAIT;
  }
  nlmsgerr error{};
  std::memcpy(&error, answer.data() + NLMSG_HDRLEN, sizeof error);
  return error.error != -ENOENT;
}

}  // namespace sluice::net
