// SPDX-License-Identifier: Apache-2.0
// Steering: what the proxy asks of whoever can hand a connection to the kernel. The proxy declares it, steer implements
// it, and a worker without a kernel path has none (nullptr).
// Thread: worker; one object a worker.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/clock.hpp"
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

// Whose address an endpoint sees on a connection of a listener that asks for the client's (`clientAddress: preserve`).
// Name = metric label = row in docs/operations.md. LB_SHOWN(X): X(enumerator, label, help)
#define LB_SHOWN(X)                                                                   \
  X(kClient, "client", "the client's address")                                        \
  X(kRemote, "remote",                                                                \
    "the node's: the endpoint is not a local pod behind an interface of its own")     \
  X(kFamily, "family", "the node's: client and endpoint are not of one family")       \
  X(kSelf, "self", "the node's: the client is the endpoint itself")                   \
  X(kSpecial, "special",                                                              \
    "the node's: the client's address means nothing to a pod (loopback, link-local)") \
  X(kFull, "full", "the node's: the table of shown addresses is full")                \
  X(kNoPort, "no_port", "the node's: no upstream source port is free")                \
  X(kSystem, "system", "the node's: a system call failed; see the log")

enum class Shown : std::uint8_t {
#define LB_SHOWN_ENUM(name, label, help) name,
  LB_SHOWN(LB_SHOWN_ENUM)
#undef LB_SHOWN_ENUM
      kCount
};
[[nodiscard]] const char* label_of(Shown shown);

// An upstream connection that may be promoted: opened from the agent's own port range.
struct SteerUpstream {
  UniqueFd fd;
  std::uint16_t port = 0;  // own source port, reserved until close_upstream() or promote()
  SocketAddress remote;
  std::uint16_t mss = 0;  // the cap given to connect_upstream()
  std::optional<IpAddress>
      shown{};  // the client whose address the endpoint sees; nullopt: it sees the node
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

// Names a connection that the kernel carries for as long as it does.
struct CarriedId {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;

  bool operator==(const CarriedId&) const = default;
};

struct PromoteResult {
  PromoteOutcome outcome = PromoteOutcome::kRefused;
  Refusal refusal = Refusal::kSystem;
  CarriedId id{};  // with kPromoted
};

// Why a connection that the kernel carried is taken back. Name = metric label = row in docs/operations.md.
// LB_MOVES(X): X(enumerator, label, help)
#define LB_MOVES(X)                                                                             \
  X(kConfig, "config", "its listener, routes or subsets changed")                               \
  X(kEndpointGone, "endpoint_gone", "its endpoint is not in force any more")                    \
  X(kEndpointDrains, "endpoint_drains", "its endpoint terminates or is not ready")              \
  X(kEjected, "ejected", "outlier detection ejected its endpoint")                              \
  X(kShare, "share", "its subset had more than its share of requests")                          \
  X(kMaxRequests, "max_requests", "its endpoint's connection reached maxRequestsPerConnection") \
  X(kMaxAge, "max_age", "its endpoint's connection reached maxConnectionDuration")              \
  X(kAsked, "asked", "lbctl asked for it")                                                      \
  X(kShutdown, "shutdown", "this agent ends, and the next one cannot keep it")

enum class MoveReason : std::uint8_t {
#define LB_MOVE_ENUM(name, label, help) name,
  LB_MOVES(LB_MOVE_ENUM)
#undef LB_MOVE_ENUM
      kCount
};
[[nodiscard]] const char* label_of(MoveReason reason);

// A connection that the kernel carries, as whoever decides about it sees it.
struct Carried {
  CarriedId id;
  SocketAddress client;
  SocketAddress local;  // where the client connected to: tells its listener
  SocketAddress endpoint;
  std::uint64_t cluster_hash = 0;     // of Cluster::key (cluster_hash() in base/hash.hpp)
  std::uint64_t requests = 0;         // that it has carried, the promoted one included
  std::uint64_t requests_before = 0;  // that the proxy served before; 0 of an adopted one
  TimePoint since;                    // of the promotion
  TimePoint last_packet;              // about a millisecond exact
  bool armed = false;                 // to be taken back already
  bool answering = false;             // the client spoke last: a request is under way
  bool movable = true;                // no tunnel, no end in sight
  bool shown = false;                 // the endpoint sees the client's address
};

// A connection that has come back. The proxy owns all of it from here on.
struct Returned {
  UniqueFd client;  // established, non-blocking, in no reactor
  SocketAddress peer;
  SocketAddress local;
  std::string
      input;  // what came with it: the next request from its first byte on; empty: it was idle
  // The endpoint's end, in the agent's port range (Steering::close_upstream ends it). It may still be answering, and it
  // must never serve another client.
  SteerUpstream endpoint;
  std::uint64_t requests =
      0;  // that the connection has carried in all, the one in `input` not counted
  MoveReason reason = MoveReason::kAsked;
};

// How a connection that the kernel carried ended there. Name = word in the access log = row in docs/operations.md.
// LB_CARRIED_ENDS(X): X(enumerator, label, help)
#define LB_CARRIED_ENDS(X)                                                                  \
  X(kClosed, "closed", "both sides closed it")                                              \
  X(kResetByClient, "client_reset", "the client reset it")                                  \
  X(kResetByEndpoint, "endpoint_reset", "the endpoint reset it")                            \
  X(kReplaced, "replaced_by_syn", "the client began another connection with the same port") \
  X(kIdle, "idle", "no packet for --steer-idle seconds")                                    \
  X(kReturned, "returned", "it was taken back")                                             \
  X(kCut, "cut", "its time to leave an endpoint was over")

struct CarriedEnd {
  enum class How : std::uint8_t {
#define LB_CARRIED_END_ENUM(name, label, help) name,
    LB_CARRIED_ENDS(LB_CARRIED_END_ENUM)
#undef LB_CARRIED_END_ENUM
        kCount
  };
  How how = How::kClosed;
  Carried last;                     // as it was in the end
  std::optional<MoveReason> moved;  // why it was taken back
  std::string_view cluster;         // Cluster::key; empty: an earlier agent handed it over
  std::uint64_t bytes_in = 0;       // client -> endpoint, what was sent again included
  std::uint64_t bytes_out = 0;
};
[[nodiscard]] const char* label_of(CarriedEnd::How how);

// Whom Steering tells what became of connections: of each one ended() once, and for one that comes back
// ended(kReturned) first and returned() at once after it. Neither is called from within visit(). Thread: worker.
class SteeringUser {
 public:
  virtual void returned(Returned connection) = 0;
  virtual void ended(const CarriedEnd& end) = 0;

 protected:
  ~SteeringUser() = default;
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

  // Would the endpoint see this client's address if asked for? May ask the kernel for the route, once in a while.
  [[nodiscard]] virtual bool can_show(const IpAddress& client, const SocketAddress& endpoint) {
    (void)client, (void)endpoint;
    return false;
  }
  // Opens a non-blocking connection from the own port range; `mss` caps the segment size of both directions (0 = none),
  // and where it can, it shows `client`.
  // Fails with kExhausted (no port, no slot) or kUnavailable: the caller then uses an ordinary socket.
  virtual Result<SteerUpstream> connect_upstream(const SocketAddress& endpoint, std::uint16_t mss,
                                                 const std::optional<IpAddress>& client) = 0;
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

  // From now on that one is told; nullptr: nobody, and returned connections are closed.
  virtual void set_user(SteeringUser* user) { (void)user; }
  // Every connection that it carries. `see` must not call back into this object but for take_back() and keep().
  virtual void visit(const std::function<void(const Carried&)>& see) const { (void)see; }
  // Takes the connection back at its next request boundary; `idle`: as soon as nothing is under way, too. It goes on
  // with the kernel until then. False: there is none of that name, or it cannot come back (tunnel, closing).
  virtual bool take_back(CarriedId id, MoveReason reason, bool idle) {
    (void)id, (void)reason, (void)idle;
    return false;
  }
  // It may stay after all.
  virtual void keep(CarriedId id) { (void)id; }
  // Ends it now, with an RST to both sides: its time to leave in peace is over.
  virtual void cut(CarriedId id) { (void)id; }

  // Adds what it counted itself (steered turns and bytes per cluster) to the worker's report.
  virtual void add_to(WorkerReport& report) const { (void)report; }
  // What it counted for clusters that the worker's report has forgotten is to be forgotten too.
  virtual void forget_clusters(const WorkerReport& known) { (void)known; }
};

}  // namespace sluice::proxy
