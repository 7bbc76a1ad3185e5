// SPDX-License-Identifier: Apache-2.0
// HandOver: the numbers of one promotion. Pure: from what is known of both legs to the slot and the
// two flow entries. Thread: any.
#pragma once
#include <cstdint>
#include <optional>

#include "agent/base/clock.hpp"
#include "agent/base/ip_address.hpp"
#include "agent/net/tcp_repair.hpp"
#include "agent/proxy/steering.hpp"
#include "agent/steer/paths.hpp"
#include "bpf/abi/flow.h"
#include "bpf/abi/leg.h"
#include "bpf/abi/slot.h"

namespace sluice::steer {

struct Leg {
  SocketAddress local;
  SocketAddress remote;
  net::TcpState tcp;
  lb_leg handshake{};
  std::uint16_t mss_cap = 0;    // TCP_MAXSEG of the agent's socket; 0 = none
  std::uint32_t next_send = 0;  // next sequence number the agent would send
  std::uint32_t next_receive =
      0;  // next one it expects: for the client, the first byte of the request
};

// A client's socket that was restored counts room for timestamps that are off into its segments, and does not know what
// its client was promised. The leg (Reclaimer) says the one, and for the other the most that lb_tc promised must do.
void correct_restored(Leg& client);

// What forbids the promotion; nullopt = nothing. `promised_mss`: what the handshake allowed the
// client to send, where lb_tc capped it (0 = as the socket says).
[[nodiscard]] std::optional<proxy::Refusal> refusal_of(const Leg& client, const Leg& upstream,
                                                       std::size_t request_bytes,
                                                       std::uint16_t promised_mss);

struct FlowPair {
  lb_flow to_pod{};
  lb_flow to_client{};
};

// Fills everything in `slot` but state, owner and generation, which the caller keeps; raises
// nothing.
[[nodiscard]] FlowPair prepare(const Leg& client, const Leg& upstream, std::size_t request_bytes,
                               const Paths& paths, std::uint32_t slot_index, std::uint64_t cluster,
                               TimePoint now, lb_slot& slot);

}  // namespace sluice::steer
