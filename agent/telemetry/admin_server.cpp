// SPDX-License-Identifier: Apache-2.0
#include "agent/telemetry/admin_server.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <thread>
#include <utility>
#include <vector>

#include "agent/base/log.hpp"
#include "agent/telemetry/admin_connection.hpp"

namespace sluice::telemetry {
namespace {

constexpr std::size_t kMaxConnections = 32;
constexpr int kAcceptBatch = 16;  // then those that are here get their turn
constexpr std::chrono::seconds kRequestLimit{10};
constexpr std::chrono::milliseconds kAcceptPause{100};  // after EMFILE and the like

struct Listening {
  UniqueFd socket;
  SocketAddress address;
};

Result<Listening> listen_on(const SocketAddress& address) {
  const std::string what = "admin listener " + to_string(address);
  sockaddr_storage storage{};
  socklen_t length = address.to_sockaddr(storage);
  UniqueFd fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno(what, errno);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0 ||
      ::listen(fd.get(), 128) != 0) {
    auto error = fail_errno(what, errno);
    error.value().message += "; choose another address with --admin ADDR:PORT";
    return error;
  }
  length = sizeof(storage);
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    return fail_errno(what, errno);
  }
  return Listening{std::move(fd), SocketAddress::from_sockaddr(storage)};
}

// The inherited socket if it is one for that address, else a new one.
Result<Listening> adopt(const SocketAddress& address, UniqueFd inherited) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  if (inherited &&
      ::getsockname(inherited.get(), reinterpret_cast<sockaddr*>(&storage), &length) == 0) {
    const SocketAddress own = SocketAddress::from_sockaddr(storage);
    if (own == address || (address.port == 0 && own.ip == address.ip)) {
      return Listening{std::move(inherited), own};
    }
  }
  inherited.reset();
  return listen_on(address);
}

class PollServer final : public AdminServer {
 public:
  PollServer(Listening listening, UniqueFd wake, AdminCallbacks callbacks)
      : listening_(std::move(listening)), wake_(std::move(wake)), callbacks_(std::move(callbacks)) {
    thread_ = std::thread([this] { run(); });
  }

  ~PollServer() override {
    const std::uint64_t one = 1;
    // Cannot fail: the counter of a fresh eventfd is far from its maximum.
    if (::write(wake_.get(), &one, sizeof(one)) == sizeof(one)) thread_.join();
  }

  [[nodiscard]] int descriptor() const override { return listening_.socket.get(); }
  [[nodiscard]] SocketAddress address() const override { return listening_.address; }

 private:
  void run() {
    std::vector<pollfd> fds;
    for (;;) {
      const TimePoint now = clock_.now();
      fds.clear();
      fds.push_back({wake_.get(), POLLIN, 0});
      fds.push_back({now < accept_again_ ? -1 : listening_.socket.get(), POLLIN, 0});
      for (const AdminConnection& connection : connections_) {
        fds.push_back({connection.fd(), connection.interest(), 0});
      }
      ::poll(fds.data(), fds.size(), wait_milliseconds(now));
      if (fds[0].revents != 0) return;
      serve(fds);
      for (int i = 0; i < kAcceptBatch && fds[1].revents != 0; ++i) {
        if (!accept_one()) break;
      }
    }
  }

  [[nodiscard]] int wait_milliseconds(TimePoint now) const {
    TimePoint next = now + std::chrono::hours(1);
    for (const AdminConnection& connection : connections_)
      next = std::min(next, connection.deadline());
    if (now < accept_again_) next = std::min(next, accept_again_);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now).count();
    return static_cast<int>(std::max<long long>(0, left));
  }

  // fds[2 + i] is the i-th connection.
  void serve(const std::vector<pollfd>& fds) {
    std::size_t index = 2;
    for (auto it = connections_.begin(); it != connections_.end(); ++index) {
      const bool alive = fds[index].revents == 0 || it->advance(callbacks_);
      it = alive && clock_.now() < it->deadline() ? std::next(it) : connections_.erase(it);
    }
  }

  // False: nothing more to accept now.
  bool accept_one() {
    UniqueFd socket(
        ::accept4(listening_.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      // Out of descriptors or memory: the connection stays in the backlog, so poll() would report it at once again.
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        accept_again_ = clock_.now() + kAcceptPause;
      }
      return false;
    }
    if (connections_.size() >= kMaxConnections && !make_room()) return true;  // closes the new one
    connections_.emplace_back(std::move(socket), clock_.now() + kRequestLimit);
    return true;
  }

  // Slow or idle clients must not lock out a scrape: the one that has waited longest without a whole request goes.
  bool make_room() {
    const auto oldest =
        std::find_if(connections_.begin(), connections_.end(),
                     [](const AdminConnection& connection) { return connection.waiting(); });
    if (oldest == connections_.end()) return false;
    connections_.erase(oldest);
    return true;
  }

  SteadyClock clock_;
  Listening listening_;
  UniqueFd wake_;
  AdminCallbacks callbacks_;
  std::list<AdminConnection> connections_;  // in order of arrival
  TimePoint accept_again_{};
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<AdminServer>> AdminServer::start(const SocketAddress& address,
                                                        AdminCallbacks callbacks,
                                                        UniqueFd inherited) {
  Result<Listening> listening = adopt(address, std::move(inherited));
  if (!listening) return tl::unexpected(listening.error());
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return fail_errno("admin listener: eventfd", errno);
  log::info("telemetry", "serving /metrics, /healthz and /readyz on {}",
            to_string(listening->address));
  return std::make_unique<PollServer>(std::move(*listening), std::move(wake), std::move(callbacks));
}

}  // namespace sluice::telemetry
