// SPDX-License-Identifier: Apache-2.0
// FlowTable: the maps of connection steering, as the agent uses them: the slot array mapped into
// memory, the flow entries, the recorded handshakes. Thread: any; a slot belongs to the worker that
// took it. Every call is one system call at most, none blocks.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/ip_address.hpp"
#include "bpf/abi/flow.h"
#include "bpf/abi/leg.h"
#include "bpf/abi/slot.h"
#include "bpf/abi/source.h"

namespace sluice::datapath {

// The two entries of an upstream connection that shows its client's address (bpf/abi/source.h).
struct SourcePair {
  lb_tuple sent{};    // as our socket's packets leave it
  lb_tuple answer{};  // as the pod's packets come in
};

class FlowTable {
 public:
  virtual ~FlowTable() = default;

  // All slots, shared with the kernel: state changes only by std::atomic_ref compare-and-swap.
  [[nodiscard]] virtual std::span<lb_slot> slots() = 0;
  // Both directions in one batch; kExhausted when the map is full (then neither is installed).
  virtual Result<void> install(const lb_tuple& client, const lb_flow& to_pod, const lb_tuple& pod,
                               const lb_flow& to_client) = 0;
  // Removes the entries of both tuples; absent entries are no error.
  virtual void remove(const lb_tuple& client, const lb_tuple& pod) = 0;
  // The handshake that TC recorded for packets of this tuple (source = the remote side); nullopt
  // while it has not seen both sides of it.
  [[nodiscard]] virtual std::optional<lb_leg> leg(const lb_tuple& remote) = 0;
  // As if TC had recorded it: for a connection that the agent restored itself.
  virtual void set_leg(const lb_tuple& remote, const lb_leg& leg) = 0;
  virtual void forget_leg(const lb_tuple& remote) = 0;
  // Replaces addresses on that interface. kUnavailable: there is such an entry; kExhausted: the map is full.
  virtual Result<void> add_source(const SourcePair& pair, std::uint32_t ifindex) = 0;
  virtual void remove_source(const SourcePair& pair) = 0;
  // The address of the node's socket behind what the pod answers to; nullopt: the pod sees the node itself.
  [[nodiscard]] virtual std::optional<IpAddress> node_behind(const lb_tuple& answer) = 0;
  [[nodiscard]] virtual std::vector<SourcePair> sources() = 0;
  // The ring of a worker, for epoll and ring_buffer consumption by EventRing.
  [[nodiscard]] virtual int ring_fd(std::uint32_t worker) const = 0;
};

[[nodiscard]] lb_address to_abi(const IpAddress& address);
[[nodiscard]] IpAddress from_abi(const lb_address& address);
[[nodiscard]] lb_tuple make_tuple(const SocketAddress& source, const SocketAddress& destination);
[[nodiscard]] SocketAddress source_of(const lb_tuple& tuple);
[[nodiscard]] SocketAddress destination_of(const lb_tuple& tuple);
[[nodiscard]] lb_tuple reverse(const lb_tuple& tuple);
// lb_flow::address_diff of a flow whose packets arrive as `from` and leave as `to` (both of one
// family).
[[nodiscard]] std::uint32_t address_difference(const lb_tuple& from, const lb_tuple& to);

}  // namespace sluice::datapath
