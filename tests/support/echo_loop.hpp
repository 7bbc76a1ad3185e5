// SPDX-License-Identifier: Apache-2.0
// EchoLoop: one thread of the echo server: its listening sockets, connections and timers.
// Callers: echo_server.cpp. Thread: one worker; nothing is shared between loops.
#pragma once
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/base/error.hpp"
#include "tests/support/echo_connection.hpp"

namespace sluice::support {

class EchoLoop {
 public:
  explicit EchoLoop(const EchoIdentity& identity);

  // Port 0 lets the kernel choose. Returns the address it listens on. "[::]" serves IPv4 as well.
  [[nodiscard]] Result<SocketAddress> listen(const SocketAddress& address);
  [[noreturn]] void run();

 private:
  using Timer = std::pair<TimePoint, EchoConnection*>;
  struct Entry {
    std::unique_ptr<EchoConnection> connection;
    std::optional<TimePoint> timer;
  };

  void accept_all(int listener);
  void serve(int fd);
  void run_timers();
  [[nodiscard]] int wait_ms() const;

  const EchoIdentity& identity_;
  UniqueFd epoll_;
  std::vector<UniqueFd> listeners_;
  std::unordered_map<int, Entry> connections_;
  std::set<Timer> timers_;
  std::vector<char> scratch_;
};

}  // namespace sluice::support
