// SPDX-License-Identifier: Apache-2.0
#include "agent/telemetry/admin_connection.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "agent/telemetry/admin_request.hpp"

namespace sluice::telemetry {
namespace {

constexpr std::size_t kMaxDrainBytes =
    256 * 1024;  // of a client that keeps sending after its answer

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

short AdminConnection::interest() const { return phase_ == Phase::kAnswer ? POLLOUT : POLLIN; }

bool AdminConnection::advance(const AdminCallbacks& callbacks) {
  switch (phase_) {
    case Phase::kHead:
      return read_head(callbacks);
    case Phase::kAnswer:
      return write_answer();
    case Phase::kLinger:
      return drain();
  }
  return false;
}

bool AdminConnection::read_head(const AdminCallbacks& callbacks) {
  std::array<char, 2048> buffer{};
  const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got < 0) return would_block();
  if (got == 0) return false;
  input_.append(buffer.data(), static_cast<std::size_t>(got));
  const auto request = parse_admin_request(input_);
  if (!request) return true;
  input_ = std::string();
  output_ = admin_response(*request, callbacks);
  phase_ = Phase::kAnswer;
  return write_answer();
}

bool AdminConnection::write_answer() {
  while (written_ < output_.size()) {
    const ssize_t sent =
        ::send(socket_.get(), output_.data() + written_, output_.size() - written_, MSG_NOSIGNAL);
    if (sent < 0) return would_block();
    written_ += static_cast<std::size_t>(sent);
  }
  output_ = std::string();
  if (::shutdown(socket_.get(), SHUT_WR) != 0) return false;
  phase_ = Phase::kLinger;
  return true;
}

bool AdminConnection::drain() {
  std::array<char, 4096> buffer{};
  const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got < 0) return would_block();
  drained_ += static_cast<std::size_t>(got);
  return got > 0 && drained_ < kMaxDrainBytes;
}

}  // namespace sluice::telemetry
