// SPDX-License-Identifier: Apache-2.0
// Tracking: what lb_tc has seen of a connection, read once, and what follows from it for taking the connection back.
// Pure but for the shared reads. Thread: the slot's worker. Invariants: as in bpf/lib/track.h, whoever sets HELD reads
// the tracking after that, and every packet that wrote to it later was dropped.
#pragma once
#include <cstdint>

#include "agent/net/tcp_restore.hpp"
#include "bpf/abi/slot.h"

namespace sluice::steer {

struct Tracking {
  std::uint32_t client_end = 0;     // behind the client's last byte, client's numbering
  std::uint32_t client_ack = 0;     // what the client acknowledged, numbering of its own leg
  std::uint32_t client_window = 0;  // raw field that came with it
  std::uint32_t pod_end = 0;        // the same of the pod, numbering of the pod's leg
  std::uint32_t pod_ack = 0;
  std::uint32_t pod_window = 0;
  bool answered = false;  // the pod had the last word, and it was no interim answer
  // No end in sight, no tunnel, no second request within a turn, no socket of the agent that still answers for the
  // promoted request.
  bool open = false;
};

[[nodiscard]] Tracking read_tracking(lb_slot& slot);

// Nothing is under way in either direction.
[[nodiscard]] bool is_quiescent(const lb_slot& slot, const Tracking& tracking);

// The connection can come back at all.
[[nodiscard]] bool is_movable(lb_slot& slot);

// Both legs at a boundary: the client's next byte is `client_next`, it has acknowledged all up to `client_ack`, and the
// agent has `input` bytes of it that nobody has acknowledged.
struct Boundary {
  std::uint32_t client_next = 0;
  std::uint32_t client_ack = 0;
  std::uint32_t client_window = 0;  // raw
  std::uint32_t pod_window = 0;     // raw
};
[[nodiscard]] net::TcpImage client_image(const lb_slot& slot, const Boundary& at,
                                         std::uint32_t input);
// The pod sees the client's own address: what a socket of ours on that leg is bound to stands in lb_sources.
[[nodiscard]] bool shows_client(const lb_slot& slot);
[[nodiscard]] net::TcpImage endpoint_image(const lb_slot& slot, const Boundary& at);

}  // namespace sluice::steer
