// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/proxy/peer.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>

#include "agent/base/text.hpp"
#include "agent/net/socket.hpp"
#include "tests/support/http_wire.hpp"

namespace sluice::proxy::testing {
namespace {

constexpr int kPatienceMs = 60'000;

void start_body(const support::WireHead& head, bool bodiless, support::WireBody& body) {
  const bool response = head.first.starts_with("HTTP/");
  const int status = response ? std::atoi(std::string(head.second).c_str()) : 0;
  if (bodiless || (response && (status < 200 || status == 204 || status == 304))) {
    body.start_none();
  } else if (head.has_token("Transfer-Encoding", "chunked")) {
    body.start_chunked();
  } else if (!head.field("Content-Length").empty()) {
    body.start_length(
        std::strtoull(std::string(head.field("Content-Length")).c_str(), nullptr, 10));
  } else if (response) {
    body.start_until_close();
  } else {
    body.start_none();
  }
}

}  // namespace

std::string Message::field(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (equals_ignore_case(key, name)) return value;
  }
  return {};
}

Peer::Peer(UniqueFd fd, int stop) : fd_(std::move(fd)), stop_(stop) {}

Peer Peer::connect(const SocketAddress& to, int receive_buffer) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (receive_buffer > 0) {
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
  }
  sockaddr_storage storage{};
  const socklen_t size = to.to_sockaddr(storage);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) fd.reset();
  return Peer(std::move(fd));
}

bool Peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    pollfd entry{fd_.get(), POLLOUT, 0};
    if (poll(&entry, 1, kPatienceMs) != 1) return false;
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) continue;
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Peer::fill() {
  std::array<pollfd, 2> entries{pollfd{fd_.get(), POLLIN, 0}, pollfd{stop_, POLLIN, 0}};
  std::array<char, 65536> piece;
  const bool waited = poll(entries.data(), entries.size(), kPatienceMs) > 0;
  const ssize_t got =
      waited ? recv(fd_.get(), piece.data(), piece.size(), MSG_DONTWAIT) : ssize_t{-1};
  clean_ = got >= 0;
  if (got <= 0) return false;
  pending_.append(piece.data(), static_cast<std::size_t>(got));
  return true;
}

std::string Peer::read_some() {
  if (pending_.empty() && !fill()) return {};
  return std::exchange(pending_, {});
}

std::string Peer::read_exactly(std::size_t size) {
  while (pending_.size() < size && fill()) {
  }
  std::string out = pending_.substr(0, size);
  pending_.erase(0, out.size());
  return out;
}

std::optional<Message> Peer::read_message(bool bodiless) {
  support::WireHead head;
  while (parse_head(pending_, head) != support::WireStatus::kOk) {
    if (!fill()) return std::nullopt;
  }
  Message message;
  message.start = pending_.substr(0, pending_.find("\r\n"));
  message.status =
      head.first.starts_with("HTTP/") ? std::atoi(std::string(head.second).c_str()) : 0;
  for (const auto& [name, value] : head.fields) message.fields.emplace_back(name, value);
  support::WireBody body;
  start_body(head, bodiless, body);
  const bool until_close = body.until_close();
  pending_.erase(0, head.bytes);
  while (!body.done() && !body.bad()) {
    if (pending_.empty() && !fill()) break;
    std::size_t used = 0;
    while (used < pending_.size() && !body.done() && !body.bad()) {
      std::string_view data;
      used += body.step(std::string_view(pending_).substr(used), data);
      message.body.append(data);
    }
    pending_.erase(0, used);
  }
  message.complete = body.done() || (until_close && clean_);
  return message;
}

bool Peer::at_end() { return pending_.empty() && !fill(); }

void Peer::half_close() { shutdown(fd_.get(), SHUT_WR); }

void Peer::reset() {
  net::reset_on_close(fd_.get());
  fd_.reset();
}

ScriptedUpstream::ScriptedUpstream(Script script)
    : script_(std::move(script)), stop_(eventfd(0, EFD_CLOEXEC)) {
  listener_ = std::move(*net::listen_tcp(IpAddress::parse("127.0.0.1"), 0));
  address_ = net::local_address(listener_.get());
  acceptor_ = std::thread([this] { accept_all(); });
}

ScriptedUpstream::~ScriptedUpstream() {
  const std::uint64_t one = 1;
  EXPECT_EQ(write(stop_.get(), &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
}

void ScriptedUpstream::accept_all() {
  std::array<pollfd, 2> entries{pollfd{listener_.get(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
  while (poll(entries.data(), entries.size(), -1) > 0 && entries[1].revents == 0) {
    UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) continue;
    ++connections_;
    threads_.emplace_back(
        [this, peer = Peer(std::move(fd), stop_.get())]() mutable { script_(peer); });
  }
}

ScriptedUpstream::Script answering(std::function<std::string(const Message&)> answer) {
  return [answer = std::move(answer)](Peer& peer) {
    while (const auto request = peer.read_message()) {
      if (!request->complete || !peer.send(answer(*request))) return;
    }
  };
}

std::string ok(std::string_view body, std::string_view more_fields) {
  std::string out = "HTTP/1.1 200 OK\r\n";
  out.append(more_fields);
  out += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  return out.append(body);
}

}  // namespace sluice::proxy::testing
