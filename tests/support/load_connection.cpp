// SPDX-License-Identifier: Apache-2.0
#include "tests/support/load_connection.hpp"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sluice::support {
namespace {

constexpr Milliseconds kBackOff{100};
constexpr int kBurst = 32;  // reads or writes of one connection before another has its turn

TimePoint now() { return std::chrono::steady_clock::now(); }

void set_option(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof value);
}

}  // namespace

LoadConnection::LoadConnection(LoadRun& run, std::uint32_t index)
    : run_(run), target_(run.options.targets[index % run.options.targets.size()]), index_(index) {
  const LoadOptions& options = run.options;
  quota_ = options.even ? options.requests / options.connections +
                              (index < options.requests % options.connections ? 1 : 0)
                        : options.requests;
  // Connections of a run with pauses do not start in step.
  wake_ = now() + Milliseconds(run_.plan.random().between(0, run_.options.think_max_ms));
}

std::string LoadConnection::describe() const {
  return "connection " + std::to_string(index_) + " from port " + std::to_string(local_port_) +
         " to " + to_string(target_) + " pod " + (pod_.empty() ? "?" : pod_) + ", request " +
         std::to_string(requests_) + " (" + request_.head.substr(0, request_.head.find('\r')) +
         "), sent " + (sent_all_ ? "all" : "part") + ", body received " +
         std::to_string(body_hash_.length());
}

void LoadConnection::want(std::uint32_t events) {
  if (events == events_) return;
  epoll_event event{.events = events, .data = {.u32 = index_}};
  epoll_ctl(run_.epoll, events_ == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd_.get(), &event);
  events_ = events;
}

void LoadConnection::open() {
  const LoadOptions& options = run_.options;
  fd_ = UniqueFd(socket(target_.ip.is_v4() ? AF_INET : AF_INET6,
                        SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  set_option(fd_.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.mss != 0)
    set_option(fd_.get(), IPPROTO_TCP, TCP_MAXSEG, static_cast<int>(options.mss));
  if (options.receive_buffer != 0) {
    set_option(fd_.get(), SOL_SOCKET, SO_RCVBUF, static_cast<int>(options.receive_buffer));
  }
  ++run_.report.connections;
  requests_ = 0;
  pod_.clear();
  local_port_ = 0;
  limit_ = static_cast<std::uint32_t>(
      run_.plan.random().between(options.per_connection_min, options.per_connection_max));
  started_ = last_byte_ = now();
  state_ = State::kConnecting;
  sockaddr_storage storage{};
  socklen_t size = target_.to_sockaddr(storage);
  const bool refused = connect(fd_.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0 &&
                       errno != EINPROGRESS;
  if (refused) return fail("connect", std::strerror(errno));
  size = sizeof storage;
  getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&storage), &size);
  local_port_ = SocketAddress::from_sockaddr(storage).port;
  want(EPOLLIN | EPOLLOUT | EPOLLRDHUP);
}

void LoadConnection::finish_connect() {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail(error == ECONNREFUSED ? "refused" : "connect", std::strerror(error));
  if (may_start()) {
    start_request();
  } else {
    close_and_reopen(kBackOff);
  }
}

void LoadConnection::start_request() {
  wake_.reset();
  ++run_.started;
  --quota_;
  ++requests_;
  if (requests_ > 1) started_ = now();  // the first one's time includes the handshake
  last_byte_ = now();
  request_ = run_.plan.next(limit_ != 0 && requests_ >= limit_);
  upload_.start(request_, run_.plan.random());
  out_ = request_.head;
  out_sent_ = 0;
  waits_for_continue_ = request_.expect && request_.upload_size != 0;
  sent_all_ = false;
  head_bytes_.clear();
  in_body_ = answer_closes_ = false;
  body_hash_ = {};
  state_ = State::kActive;
  write_some();
}

void LoadConnection::on_wake() {
  wake_.reset();
  if (!may_start()) return;
  if (state_ == State::kClosed) {
    open();
  } else if (state_ == State::kIdle) {
    start_request();
  }
}

void LoadConnection::on_event(std::uint32_t events) {
  if (state_ == State::kClosed) return;
  if (state_ == State::kConnecting) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) finish_connect();
    return;
  }
  if ((events & EPOLLOUT) != 0 && state_ == State::kActive) write_some();
  if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0 && state_ != State::kClosed)
    read_some();
}

void LoadConnection::write_some() {
  const LoadOptions& options = run_.options;
  for (int i = 0; i < kBurst; ++i) {
    if (out_sent_ == out_.size()) {
      out_.clear();
      out_sent_ = 0;
      if (upload_.done()) {
        sent_all_ = true;
        return want(EPOLLIN | EPOLLRDHUP);
      }
      if (waits_for_continue_) return want(EPOLLIN | EPOLLRDHUP);
      upload_.append_piece(out_);
      continue;
    }
    std::size_t size = out_.size() - out_sent_;
    if (options.segment_max != 0) {
      size =
          std::min(size, run_.plan.random().log_uniform(options.segment_min, options.segment_max));
    }
    const ssize_t sent = ::send(fd_.get(), out_.data() + out_sent_, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) break;
    if (sent < 0) {
      if (errno == EPIPE || errno == ECONNRESET) return read_some();  // an answer may explain it
      return fail("send", std::strerror(errno));
    }
    last_byte_ = now();
    out_sent_ += static_cast<std::size_t>(sent);
    run_.report.bytes_sent += static_cast<std::uint64_t>(sent);
  }
  want(EPOLLIN | EPOLLOUT | EPOLLRDHUP);
}

void LoadConnection::read_some() {
  for (int i = 0; i < kBurst && state_ != State::kClosed; ++i) {
    const int fd = fd_.get();
    const ssize_t got = ::recv(fd, run_.scratch.data(), run_.scratch.size(), 0);
    if (got <= 0) {
      const int error = got == 0 ? 0 : errno;
      if (error != EAGAIN && error != EINTR) on_closed(error);
      return;
    }
    last_byte_ = now();
    run_.report.bytes_received += static_cast<std::uint64_t>(got);
    take({run_.scratch.data(), static_cast<std::size_t>(got)});
    if (static_cast<std::size_t>(got) < run_.scratch.size()) return;
  }
}

void LoadConnection::on_closed(int error) {
  if (state_ == State::kActive) {
    if (error == 0 && in_body_ && body_.until_close()) {
      answer_closes_ = true;
      return complete();
    }
    return fail(error == 0 ? "closed early" : "reset", error == 0 ? "" : std::strerror(error));
  }
  if (run_.options.allow_idle_close && error == 0) {
    ++run_.report.reconnects;
    return close_and_reopen(Milliseconds(0));
  }
  fail(error == 0 ? "closed idle" : "reset idle");
}

TimePoint LoadConnection::think() const {
  const LoadOptions& options = run_.options;
  if (options.think_max_ms == 0) return last_byte_;
  return last_byte_ +
         Milliseconds(run_.plan.random().between(options.think_min_ms, options.think_max_ms));
}

void LoadConnection::fail(std::string_view kind, const std::string& detail) {
  run_.report.count_error(kind, describe() + (detail.empty() ? "" : ": " + detail), local_port_);
  ++run_.report.reconnects;
  close_and_reopen(kBackOff);
}

void LoadConnection::close_and_reopen(Milliseconds after) {
  fd_.reset();
  events_ = 0;
  state_ = State::kClosed;
  wake_ = now() + after;
}

void LoadConnection::check_stall(TimePoint at) {
  if (state_ != State::kActive && state_ != State::kConnecting) return;
  const auto limit = std::chrono::seconds(run_.options.stall_s);
  if (at - last_byte_ > limit) fail(state_ == State::kActive ? "stalled" : "connect stalled");
}

}  // namespace sluice::support
