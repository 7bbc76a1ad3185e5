// SPDX-License-Identifier: Apache-2.0
// RelayWay: one direction of a connection whose bytes nobody reads: what one channel brings, the other one sends, the
// end of file too. What is not taken stops the other side: at most one read waits.
// Callers: TcpSession, OpaqueRelay. Thread: worker.
#pragma once
#include <cstdint>

#include "agent/base/clock.hpp"
#include "agent/proxy/channel.hpp"

namespace sluice::proxy {

struct RelayWay {
  Channel& from;
  Channel& to;
  std::uint64_t* bytes = nullptr;  // a counter; may be null
  bool ended = false;              // the end of file was passed on
  bool broken = false;             // `to` takes no more

  // One step; true when there may be another one. `progress` becomes `now` when bytes moved.
  bool pump(TimePoint now, TimePoint& progress);
};

}  // namespace sluice::proxy
