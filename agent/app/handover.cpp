// SPDX-License-Identifier: Apache-2.0
#include "agent/app/handover.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "agent/base/log.hpp"

namespace sluice::app {
namespace {

constexpr std::size_t kMaxText = 512;
constexpr std::size_t kMaxDescriptors = 128;  // in one packet; a worker has one, and there are 64
constexpr std::string_view kEnd = "end";
constexpr std::string_view kServing = "serving";
constexpr std::string_view kReleased = "released";

bool address_of(const std::string& path, sockaddr_un& out) {
  out = {};
  out.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(out.sun_path)) return false;
  std::memcpy(out.sun_path, path.data(), path.size());
  return true;
}

UniqueFd open_packets(int flags = 0) {
  return UniqueFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0));
}

// A peer that has stopped must not stop this process.
void limit_waiting(int fd, int seconds) {
  const timeval limit{seconds, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

bool send_packet(int fd, std::string_view text, const std::vector<int>& descriptors = {}) {
  iovec piece{const_cast<char*>(text.data()), text.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxDescriptors)> control{};
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors.size());
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
    std::memcpy(CMSG_DATA(header), descriptors.data(), sizeof(int) * descriptors.size());
  }
  return ::sendmsg(fd, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

struct Packet {
  std::string text;  // empty: the end, or an error
  std::vector<UniqueFd> descriptors;
};

Packet receive_packet(int fd, int flags) {
  std::array<char, kMaxText> text{};
  iovec piece{text.data(), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxDescriptors)> control{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = ::recvmsg(fd, &message, flags | MSG_CMSG_CLOEXEC);
  Packet packet;
  if (got <= 0) return packet;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      packet.descriptors.emplace_back(descriptor);
    }
  }
  packet.text.assign(text.data(), static_cast<std::size_t>(got));
  return packet;
}

bool same_user(int fd) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == ::geteuid() || peer.uid == 0;
}

bool is_listening(int fd) {
  int value = 0;
  socklen_t size = sizeof(value);
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value == 1;
}

}  // namespace

std::unique_ptr<Predecessor> Predecessor::find(const std::string& path) {
  sockaddr_un address{};
  if (!address_of(path, address)) return nullptr;
  UniqueFd fd = open_packets();
  if (!fd) return nullptr;
  limit_waiting(fd.get(), 3);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return nullptr;
  }
  if (!same_user(fd.get())) {
    log::warn("app", "{} belongs to another user: nothing is taken over from there", path);
    return nullptr;
  }
  std::unique_ptr<Predecessor> self(new Predecessor(std::move(fd)));
  if (!self->receive_all()) {
    log::warn("app", "the agent at {} did not hand over its sockets; starting without", path);
    return nullptr;
  }
  return self;
}

bool Predecessor::receive_all() {
  for (;;) {
    Packet packet = receive_packet(fd_.get(), 0);
    if (packet.text.empty()) return false;
    if (packet.text == kEnd) return true;
    const std::size_t space = packet.text.find(' ');
    if (space == std::string::npos) continue;  // of a later version
    Inheritance& entry = inherited_.emplace_back();
    entry.kind = packet.text.substr(0, space);
    entry.name = packet.text.substr(space + 1);
    for (UniqueFd& socket : packet.descriptors) {
      if (entry.kind == "link" || is_listening(socket.get()))
        entry.sockets.push_back(std::move(socket));
    }
  }
}

std::vector<UniqueFd> Predecessor::take(std::string_view kind, std::string_view name) {
  const auto found = std::ranges::find_if(
      inherited_, [&](const auto& entry) { return entry.kind == kind && entry.name == name; });
  if (found == inherited_.end()) return {};
  std::vector<UniqueFd> sockets = std::move(found->sockets);
  inherited_.erase(found);
  return sockets;
}

std::map<std::string, std::vector<UniqueFd>> Predecessor::take_all(std::string_view kind) {
  std::map<std::string, std::vector<UniqueFd>> out;
  for (Inheritance& entry : inherited_) {
    if (entry.kind == kind) out[entry.name] = std::move(entry.sockets);
  }
  std::erase_if(inherited_, [&](const auto& entry) { return entry.kind == kind; });
  return out;
}

void Predecessor::say_serving() { send_packet(fd_.get(), kServing); }

Predecessor::News Predecessor::read() {
  const Packet packet = receive_packet(fd_.get(), MSG_DONTWAIT);
  if (packet.text.empty()) return errno == EAGAIN ? News::kNone : News::kGone;
  return packet.text == kReleased ? News::kReleased : News::kNone;
}

Result<std::unique_ptr<Successors>> Successors::listen(const std::string& path,
                                                       net::Reactor& reactor, Callbacks callbacks) {
  const std::string what = "upgrade socket " + path;
  std::unique_ptr<Successors> self(new Successors(path, reactor, std::move(callbacks)));
  sockaddr_un address{};
  if (!address_of(path, address)) {
    return fail(ErrorCode::kInvalid, what +
                                         ": the path is too long for a unix socket; choose a "
                                         "shorter one with --control");
  }
  self->listening_ = open_packets(SOCK_NONBLOCK);
  if (!self->listening_) return fail_errno(what, errno);
  const int fd = self->listening_.get();
  // Of the predecessor, which still holds its end, or of a dead agent.
  ::unlink(path.c_str());
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return fail_errno(what, errno);
  }
  struct stat info{};
  // Nobody can connect before listen(), so that there is no moment with wider permissions.
  if (::chmod(path.c_str(), 0600) != 0 || ::lstat(path.c_str(), &info) != 0 ||
      ::listen(fd, 4) != 0) {
    return fail_errno(what, errno);
  }
  self->inode_ = info.st_ino;
  if (auto added = reactor.add(fd, EPOLLIN, *self); !added) return tl::unexpected(added.error());
  return self;
}

Successors::~Successors() {
  hang_up();
  if (!listening_) return;
  reactor_.remove(listening_.get());
  struct stat info{};
  if (::lstat(path_.c_str(), &info) == 0 && info.st_ino == inode_) ::unlink(path_.c_str());
}

void Successors::on_ready(std::uint32_t /*events*/) {
  UniqueFd fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!fd) return;
  if (!same_user(fd.get())) return;
  // The later one counts: it was started after the other, which it will find gone or not ready.
  hang_up();
  limit_waiting(fd.get(), 1);
  if (!bequeath(fd.get())) {
    log::warn("app", "a new agent asked for the listening sockets and went away");
    return;
  }
  successor_ = std::move(fd);
  if (!reactor_.add(successor_.get(), EPOLLIN, line_)) successor_.reset();
}

bool Successors::bequeath(int fd) {
  for (const Bequest& bequest : callbacks_.bequests()) {
    std::vector<int> sockets = bequest.sockets;
    if (sockets.size() > kMaxDescriptors) sockets.resize(kMaxDescriptors);
    if (!send_packet(fd, bequest.kind + " " + bequest.name, sockets)) return false;
  }
  return send_packet(fd, kEnd);
}

void Successors::Line::on_ready(std::uint32_t /*events*/) { owner_.on_message(); }

void Successors::on_message() {
  const Packet packet = receive_packet(successor_.get(), MSG_DONTWAIT);
  if (packet.text == kServing) {
    serving_ = true;
    callbacks_.serving();
  } else if (packet.text.empty() && errno != EAGAIN) {
    const bool served = serving_;
    hang_up();
    if (served) callbacks_.gone();
  }
}

void Successors::hang_up() {
  if (successor_) reactor_.remove(successor_.get());
  successor_.reset();
  serving_ = false;
}

void Successors::say_released() {
  if (successor_) send_packet(successor_.get(), kReleased);
}

}  // namespace sluice::app
