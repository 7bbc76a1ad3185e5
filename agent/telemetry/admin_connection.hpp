// SPDX-License-Identifier: Apache-2.0
// AdminConnection: one client of the admin listener: reads a head, writes the answer, closes. Never blocks.
// Thread: the admin server's. Invariants: holds at most kMaxHeadBytes of input; is over by its deadline.
#pragma once
#include <string>

#include "agent/base/clock.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/telemetry/admin_server.hpp"

namespace sluice::telemetry {

class AdminConnection {
 public:
  AdminConnection(UniqueFd socket, TimePoint deadline)
      : socket_(std::move(socket)), deadline_(deadline) {}

  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] TimePoint deadline() const { return deadline_; }
  // What poll() should wait for.
  [[nodiscard]] short interest() const;
  // No complete head yet: such a connection may be given up for a new one.
  [[nodiscard]] bool waiting() const { return phase_ == Phase::kHead; }
  // Goes on as far as the socket lets it. False: the connection is over.
  [[nodiscard]] bool advance(const AdminCallbacks& callbacks);

 private:
  enum class Phase {
    kHead,
    kAnswer,
    // Sent and shut down; reads on until the client closes. Closing with unread input would send an RST, which can
    // destroy the answer in the client's buffer (RFC 9112 9.6).
    kLinger,
  };
  bool read_head(const AdminCallbacks& callbacks);
  bool write_answer();
  bool drain();

  UniqueFd socket_;
  TimePoint deadline_;
  Phase phase_ = Phase::kHead;
  std::string input_;
  std::string output_;
  std::size_t written_ = 0;
  std::size_t drained_ = 0;
};

}  // namespace sluice::telemetry
