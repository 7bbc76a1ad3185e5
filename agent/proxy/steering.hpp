// SPDX-License-Identifier: Apache-2.0
// Steering: what the proxy asks of whoever can hand a connection to the kernel. The proxy declares it, steer implements
// it, and a worker without a kernel path has none (nullptr).
// Thread: worker; one object a worker.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/base/ip_address.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/model/world.hpp"

namespace sluice::proxy {

// Why a request that asked for promotion was served as a proxy. Name = metric label = row in docs/operations.md.
// LB_REFUSALS(X): X(enumerator, label, help)
#define LB_REFUSALS(X)                                                                             \
  X(kRequestIncomplete, "request_incomplete", "the request was not wholly received, or too large") \
  X(kRequestUnsuited, "request_unsuited",                                                          \
    "Connection: close, HTTP/1.0, Expect, hop-by-hop fields")                                      \
  X(kPipelined, "pipelined", "the client sent more before it was answered")                        \
  X(kClientUnacked, "client_unacked", "an earlier response was not yet acknowledged")              \
  X(kClientState, "client_state", "the client's connection is closing or uses timestamps or ECN")  \
  X(kUpstreamState, "upstream_state", "the upstream connection is busy, closing or unsuited")      \
  X(kUpstreamWindow, "upstream_window", "the request does not fit the upstream's window")          \
  X(kMss, "mss", "no segment size suits both legs")                                                \
  X(kNoLeg, "no_leg", "the handshake was not seen by our programs (path not attached)")            \
  X(kNoRoom, "no_room", "slots or flow entries are full")                                          \
  X(kNoPort, "no_port", "no upstream source port is free")                                         \
  X(kNoPath, "no_path", "the endpoint's interface has no program attached")                        \
  X(kRace, "race", "the client sent or closed while the connection was handed over")               \
  X(kReplaced, "replaced", "the agent began to stop or to be replaced")                            \
  X(kConfigChanged, "config_changed", "the configuration changed while the upstream connected")    \
  X(kSystem, "system", "a system call failed; see the log")

enum class Refusal : std::uint8_t {
#define LB_REFUSAL_ENUM(name, label, help) name,
  LB_REFUSALS(LB_REFUSAL_ENUM)
#undef LB_REFUSAL_ENUM
      kCount
};
[[nodiscard]] const char* label_of(Refusal refusal);

// An upstream connection that may be promoted: opened from the agent's own port range.
struct SteerUpstream {
  UniqueFd fd;
  std::uint16_t port = 0;  // own source port, reserved until close_upstream() or promote()
  SocketAddress remote;
  std::uint16_t mss = 0;  // the cap given to connect_upstream()
};

struct Promotion {
  SocketAddress client;                 // peer of the client's socket
  SocketAddress local;                  // its local address: VIP and port
  std::uint64_t client_received = 0;    // bytes read from it since accept, `request` included
  std::uint64_t client_sent = 0;        // bytes written to it since accept
  std::uint64_t upstream_sent = 0;      // bytes written to the upstream since connect
  std::uint64_t upstream_received = 0;  // bytes read from it since connect
  std::string_view request;             // the whole request as it came, the last bytes received
  std::string_view cluster;             // Cluster::key, for metrics and flows
  std::uint32_t listener = 0;           // by Steering::listener_id()
  std::uint64_t request_number = 1;     // on this connection, 1 = first
};

enum class PromoteOutcome {
  kPromoted,  // both sockets are gone, the kernel carries the connection
  kRefused,   // nothing changed: go on as a proxy with both sockets
  kUndone,    // the client socket is as before; the upstream is gone: take another one
};

struct PromoteResult {
  PromoteOutcome outcome = PromoteOutcome::kRefused;
  Refusal refusal = Refusal::kSystem;
};

struct WorkerReport;

class Steering {
 public:
  virtual ~Steering() = default;

  // A number for the listener of that name (snapshot::Listener::config.name), the same as long as this object lives:
  // asked for once a configuration, so that requests look nothing up by name.
  [[nodiscard]] virtual std::uint32_t listener_id(const std::string& name) = 0;
  // Should the request with this number (1 = first) on a connection of this listener be promoted? Learns from
  // connection_finished().
  [[nodiscard]] virtual bool wants(std::uint32_t listener, const model::SteerAfter& after,
                                   std::uint64_t request_number) = 0;
  // A connection that stayed with the proxy ended after that many requests.
  virtual void connection_finished(std::uint32_t listener, std::uint64_t requests) = 0;

  // Opens a non-blocking connection from the own port range; `mss` caps the segment size of both directions (0 = none).
  // Fails with kExhausted (no port, no slot) or kUnavailable: the caller then uses an ordinary socket.
  virtual Result<SteerUpstream> connect_upstream(const SocketAddress& endpoint,
                                                 std::uint16_t mss) = 0;
  // The connection ends as an ordinary one: closes it and cools its port. `reset`: with an RST.
  virtual void close_upstream(SteerUpstream upstream, bool reset) = 0;
  // The segment size that an upstream needs for this client (0 = the pooled ones will do).
  [[nodiscard]] virtual std::uint16_t upstream_mss_for(int client_fd,
                                                       const SocketAddress& client) = 0;

  // Both file descriptors must be out of the reactor. On kPromoted they have been consumed. On kRefused both stay
  // open in their owners. On kUndone `upstream` has been consumed.
  virtual PromoteResult promote(const Promotion& promotion, UniqueFd& client,
                                SteerUpstream& upstream) = 0;

  // Another agent is to have what the kernel carries: nothing is handed over from now on, and what was is let go as it
  // is. False while a pod has not acknowledged a request that this process still answers for: call again, or with `now`
  // to give that up. close_upstream() goes on.
  virtual bool retire(bool now) {
    (void)now;
    return true;
  }

  // Adds what it counted itself (steered turns and bytes per cluster) to the worker's report.
  virtual void add_to(WorkerReport& report) const { (void)report; }
};

}  // namespace sluice::proxy
