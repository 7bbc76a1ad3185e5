// SPDX-License-Identifier: Apache-2.0
// CarriedWatch: whoever wants to know of each connection when the kernel takes it and when it carries it no longer.
// Callers: CarriedPolicy. Thread: worker; one that several workers share must allow that. Invariants: the views are
// valid only during the call.
#pragma once
#include <cstdint>
#include <string_view>

#include "agent/base/clock.hpp"
#include "agent/base/ip_address.hpp"
#include "agent/proxy/steering.hpp"

namespace sluice::proxy {

struct CarriedChange {
  enum class Kind : std::uint8_t { kStarted, kTakenBack, kEnded };
  Kind kind = Kind::kStarted;
  CarriedId id;
  SocketAddress client;
  SocketAddress local;  // where the client connected to
  SocketAddress endpoint;
  std::string_view cluster;    // Cluster::key; empty: not known any more
  std::string_view reason;     // of the end or of the return; empty when it started
  std::uint64_t requests = 0;  // that the kernel carried; the rest but for kStarted
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  Nanoseconds age{0};  // until the last packet
};

class CarriedWatch {
 public:
  virtual ~CarriedWatch() = default;
  // Whether anybody listens now; asked before each change.
  [[nodiscard]] virtual bool wants() = 0;
  // Must not block for long.
  virtual void changed(const CarriedChange& change) = 0;
};

}  // namespace sluice::proxy
