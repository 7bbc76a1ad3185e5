// SPDX-License-Identifier: Apache-2.0
#include "agent/net/tcp_repair.hpp"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "agent/net/socket.hpp"

namespace sluice::net {
namespace {

// <netinet/tcp.h> and <linux/tcp.h> exclude each other; the state numbers live in the former only.
constexpr std::uint8_t kTcpEstablished = 1;

bool set_repair(int fd) {
  const int on = 1;
  return ::setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof on) == 0;
}

}  // namespace

std::optional<TcpState> tcp_state(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  TcpState state;
  state.established = info.tcpi_state == kTcpEstablished;
  state.timestamps = (info.tcpi_options & TCPI_OPT_TIMESTAMPS) != 0;
  state.ecn = (info.tcpi_options & TCPI_OPT_ECN) != 0;
  state.has_wscale = (info.tcpi_options & TCPI_OPT_WSCALE) != 0;
  state.has_sack = (info.tcpi_options & TCPI_OPT_SACK) != 0;
  state.wscale_send = info.tcpi_snd_wscale;
  state.wscale_receive = info.tcpi_rcv_wscale;
  state.mss_send = info.tcpi_snd_mss;
  state.mss_advertised = info.tcpi_advmss;
  state.unacked = info.tcpi_unacked;
  state.not_sent = info.tcpi_notsent_bytes;
  state.cwnd = info.tcpi_snd_cwnd;
  state.window_send = info.tcpi_snd_wnd;
  return state;
}

std::optional<std::uint32_t> unacknowledged_bytes(int fd) {
  int bytes = 0;
  if (::ioctl(fd, SIOCOUTQ, &bytes) != 0 || bytes < 0) return std::nullopt;
  return static_cast<std::uint32_t>(bytes);
}

bool nothing_to_read(int fd) {
  char byte = 0;
  return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

std::optional<std::uint32_t> freeze_and_acknowledged(int fd) {
  if (!set_repair(fd)) return std::nullopt;
  tcp_repair_window window{};
  socklen_t size = sizeof window;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &window, &size) != 0) return std::nullopt;
  return window.rcv_wup;
}

void silent_close(UniqueFd fd) {
  if (fd.valid()) set_repair(fd.get());
}

void reset_close(UniqueFd fd) {
  if (fd.valid()) reset_on_close(fd.get());
}

}  // namespace sluice::net
