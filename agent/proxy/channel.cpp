// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/channel.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

namespace sluice::proxy {
namespace {

constexpr std::uint32_t kReadEvents = EPOLLIN | EPOLLRDHUP | EPOLLET;
constexpr std::size_t kGrowStep =
    4096;  // one read behind bytes that were kept, such as half a head

}  // namespace

Channel::Channel(ChannelMemory& memory, std::uint64_t* received_total, std::uint64_t* sent_total)
    : memory_(memory),
      received_total_(received_total),
      sent_total_(sent_total),
      in_(memory.buffer_bytes),
      out_(memory.buffer_bytes) {}

void Channel::note(std::uint32_t events) {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) writable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) closing_ = true;
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) broken_ = true;
}

bool Channel::watch(net::Reactor& reactor, net::EventHandler& handler) {
  // EPOLLOUT only once sending has blocked: registered from the start it would wake the loop at once for nothing.
  const std::uint32_t wanted = kReadEvents | (writable_ ? 0U : static_cast<unsigned>(EPOLLOUT));
  if ((watched_ & wanted) == wanted) return true;
  const auto result = watched_ == 0 ? reactor.add(fd_.get(), wanted, handler)
                                    : reactor.modify(fd_.get(), wanted, handler);
  if (result) watched_ = wanted;
  return result.has_value();
}

void Channel::unwatch(net::Reactor& reactor) {
  if (watched_ != 0) reactor.remove(fd_.get());
  watched_ = 0;
}

void Channel::close(net::Reactor& reactor) {
  if (watched_ != 0) reactor.forget(fd_.get());
  watched_ = 0;
  fd_.reset();
}

void Channel::reset(net::Reactor& reactor) {
  close(reactor);
  in_.release();
  out_.release();
  received_ = sent_ = 0;
  error_ = 0;
  readable_ = writable_ = true;
  starved_ = ended_ = closing_ = broken_ = receive_failed_ = send_failed_ = false;
}

std::size_t Channel::receive(std::span<char> into) {
  for (;;) {
    const ssize_t got = recv(fd_.get(), into.data(), into.size(), 0);
    if (got > 0) {
      const auto bytes = static_cast<std::size_t>(got);
      received_ += bytes;
      if (received_total_ != nullptr) *received_total_ += bytes;
      // A short read has emptied the socket: the next bytes bring a new edge. Not so for a FIN whose edge was seen.
      if (bytes < into.size() && !closing_) readable_ = false;
      return bytes;
    }
    if (got < 0 && errno == EINTR) continue;
    readable_ = false;
    if (got == 0) {
      ended_ = closing_ = true;
    } else if (errno != EAGAIN) {
      error_ = errno;
      receive_failed_ = closing_ = true;
    }
    return 0;
  }
}

std::string_view Channel::input() {
  if (!in_.empty() && !starved_) return in_.view();
  if (!readable_ || ended_ || receive_failed_) return {};
  if (in_.empty()) return {memory_.scratch.data(), receive(memory_.scratch)};
  const std::size_t got = receive(in_.writable(kGrowStep));
  if (got == 0) return {};
  in_.commit(got);
  starved_ = false;
  return in_.view();
}

void Channel::give(std::string_view bytes) {
  in_.append(bytes);
  received_ += bytes.size();
  if (received_total_ != nullptr) *received_total_ += bytes.size();
}

void Channel::keep(std::string_view bytes, std::size_t consumed, bool starved) {
  if (in_.empty()) {
    in_.append(bytes.substr(consumed));
  } else {
    in_.consume(consumed);
  }
  starved_ = starved && !in_.empty();
}

std::size_t Channel::transmit(std::string_view first, std::string_view second) {
  for (;;) {
    ssize_t sent = 0;
    if (second.empty()) {
      sent = ::send(fd_.get(), first.data(), first.size(), MSG_NOSIGNAL);
    } else {
      std::array<iovec, 2> pieces{iovec{const_cast<char*>(first.data()), first.size()},
                                  iovec{const_cast<char*>(second.data()), second.size()}};
      msghdr message{};
      message.msg_iov = pieces.data();
      message.msg_iovlen = pieces.size();
      sent = sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    }
    if (sent >= 0) {
      const auto bytes = static_cast<std::size_t>(sent);
      sent_ += bytes;
      if (sent_total_ != nullptr) *sent_total_ += bytes;
      if (bytes < first.size() + second.size()) writable_ = false;
      return bytes;
    }
    if (errno == EINTR) continue;
    writable_ = false;
    if (errno != EAGAIN) {
      error_ = errno;
      send_failed_ = true;
      readable_ = true;  // what the peer said before it closed may still be read
    }
    return 0;
  }
}

bool Channel::send(std::string_view first, std::string_view second) {
  if (send_failed_) return false;
  if (first.empty()) std::swap(first, second);
  if (first.empty()) return true;
  std::size_t done = 0;
  if (out_.empty() && writable_) done = transmit(first, second);
  // What a broken connection did not take is kept: a request that was never sent goes to another endpoint.
  if (done < first.size()) {
    out_.append(first.substr(done));
    out_.append(second);
  } else {
    out_.append(second.substr(done - first.size()));
  }
  return !send_failed_;
}

bool Channel::flush() {
  if (out_.empty() || !writable_ || send_failed_) return false;
  const std::size_t done = transmit(out_.view(), {});
  if (!send_failed_) out_.consume(done);
  return done > 0 || send_failed_;
}

void Channel::release_buffers() {
  if (in_.empty()) in_.release();
  if (out_.empty()) out_.release();
}

}  // namespace sluice::proxy
