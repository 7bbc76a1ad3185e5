// SPDX-License-Identifier: Apache-2.0
// AdminServer: a small HTTP server for /metrics, /healthz and /readyz on its own listener (loopback by default), on its
// own thread. Bounded: at most 32 connections, 8 KiB of request head, 10 s a request, GET and HEAD only.
// Thread: main creates and destroys it; callbacks run on its thread.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/ip_address.hpp"
#include "agent/base/unique_fd.hpp"

namespace sluice::telemetry {

struct AdminCallbacks {
  std::function<std::string()> metrics;
  // Empty = fine; otherwise the reason, answered with 503.
  std::function<std::string()> health;
  std::function<std::string()> ready;
};

class AdminServer {
 public:
  // `inherited`: a listening socket of an earlier agent, used if it listens on that address.
  static Result<std::unique_ptr<AdminServer>> start(const SocketAddress& address,
                                                    AdminCallbacks callbacks,
                                                    UniqueFd inherited = {});
  virtual ~AdminServer() = default;
  [[nodiscard]] virtual int descriptor() const = 0;  // of the listening socket, to hand it over
  [[nodiscard]] virtual SocketAddress address()
      const = 0;  // with the real port when 0 was asked for
};

}  // namespace sluice::telemetry
