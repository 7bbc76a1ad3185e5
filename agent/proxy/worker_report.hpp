// SPDX-License-Identifier: Apache-2.0
// WorkerReport: what one worker counted, copied out for metrics and status. Counters only ever rise.
// Thread: filled by the worker, read by whoever asked.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "agent/http/desync.hpp"
#include "agent/proxy/duration_histogram.hpp"
#include "agent/proxy/steering.hpp"

namespace sluice::proxy {

// Why a request was answered by Sluice itself, or a connection was closed. LB_ENDINGS(X): X(enumerator, label, help)
#define LB_ENDINGS(X)                                                                              \
  X(kNoListener, "no_listener", "a connection arrived for an address that no listener serves")     \
  X(kNoRoute, "no_route", "404: no route matches")                                                 \
  X(kNoDestination, "no_destination", "500: the route has no destination that exists")             \
  X(kNoEndpoint, "no_endpoint", "503: no endpoint is ready")                                       \
  X(kOverflow, "upstream_overflow", "503: a limit of the destination's connectionPool is reached") \
  X(kConnectFailed, "connect_failed", "503: the endpoint could not be reached")                    \
  X(kUpstreamReset, "upstream_reset", "502: the endpoint closed before a whole response head")     \
  X(kUpstreamInvalid, "upstream_invalid", "502: the endpoint's response is not valid HTTP")        \
  X(kUpstreamTimeout, "upstream_timeout", "504: the endpoint did not answer in time")              \
  X(kBadRequest, "bad_request", "4xx/5xx: the request is not valid HTTP; see reason in log")       \
  X(kHeadTimeout, "head_timeout", "408: the request head did not arrive in time")                  \
  X(kBodyTimeout, "body_timeout", "the client stopped sending or reading")                         \
  X(kClientClosed, "client_closed", "the client went away during a request")                       \
  X(kTruncated, "truncated", "the endpoint closed in the middle of a response body")               \
  X(kLateAnswer, "late_answer", "an endpoint spoke that the connection was taken back from")       \
  X(kOverload, "overload", "the connection limit of this worker was reached")                      \
  X(kListenerLimit, "listener_limit", "the connection limit of the listener was reached")          \
  X(kProxyHeader, "proxy_header", "a trusted proxy sent no PROXY header, or an invalid one")       \
  X(kRedirect, "redirect", "3xx: the route redirects")                                             \
  X(kDirectResponse, "direct_response", "the route answers by itself")                             \
  X(kFaultAbort, "fault_abort", "the route's fault answered instead of an endpoint")               \
  X(kCorsPreflight, "cors_preflight", "200: a CORS preflight was answered")                        \
  X(kMaxForwards, "max_forwards", "OPTIONS or TRACE that was not to be forwarded further")         \
  X(kRewriteTooLong, "rewrite_too_long", "500: the rewritten path is too long")                    \
  X(kBadAction, "bad_action", "500: the route's action cannot be carried out")                     \
  X(kProxyUntrusted, "proxy_untrusted", "a PROXY header came from an untrusted address")           \
  X(kTcpClientReset, "tcp_client_reset", "TCP: the client reset the connection")                   \
  X(kTcpUpstreamReset, "tcp_upstream_reset", "TCP: the endpoint reset the connection")             \
  X(kTcpIdle, "tcp_idle", "TCP: no byte moved for tcp.idleTimeout")                                \
  X(kTcpDuration, "tcp_duration", "TCP: the connection reached maxConnectionDuration")             \
  X(kTcpLimit, "tcp_limit", "TCP: the cluster has maxConnections already")                         \
  X(kTcpDrained, "tcp_drained", "TCP: still open when the time to drain was over")                 \
  X(kUdpRefused, "udp_refused", "UDP: nobody receives datagrams at the endpoint's port")           \
  X(kUdpUnsent, "udp_unsent", "UDP: the kernel could not send a datagram on, which is dropped")

enum class Ending : std::uint8_t {
#define LB_ENDING_ENUM(name, label, help) name,
  LB_ENDINGS(LB_ENDING_ENUM)
#undef LB_ENDING_ENUM
      kCount
};
[[nodiscard]] const char* label_of(Ending ending);

// Why an attempt to take a connection back from the kernel failed. LB_RETURN_FAILURES(X): X(enumerator, label, help)
#define LB_RETURN_FAILURES(X)                                                          \
  X(kClientSocket, "client_socket", "the client's socket could not be restored")       \
  X(kEndpointSocket, "endpoint_socket", "the endpoint's socket could not be restored") \
  X(kNoDescriptor, "no_descriptor", "clients have all descriptors that they may have") \
  X(kWokeUp, "woke_up", "an idle connection went on just then; it is tried again")     \
  X(kGivenUp, "given_up", "several attempts failed: the connection stays where it is")

enum class ReturnFailure : std::uint8_t {
#define LB_RETURN_FAILURE_ENUM(name, label, help) name,
  LB_RETURN_FAILURES(LB_RETURN_FAILURE_ENUM)
#undef LB_RETURN_FAILURE_ENUM
      kCount
};

struct ClusterReport {
  // Generations without any use of the cluster after which it is no longer shown, and then forgotten. In between all
  // workers get that far: a sum of which one part is gone would look like a restart to who reads it.
  static constexpr std::uint32_t kHide = 16;
  static constexpr std::uint32_t kForget = 32;

  std::uint64_t picks = 0;       // requests given to it, promoted ones included
  std::uint64_t promotions = 0;  // connections handed to the kernel
  std::uint64_t steered_turns =
      0;  // requests that the kernel carried (the promoted one not counted)
  // The same, as they were credited to its share: many times a second, and of connections of an earlier agent as well.
  std::uint64_t carried_requests = 0;
  double ahead = 0;  // gauge: requests beyond its shares, of sets with carried connections
  std::uint64_t steered_bytes_in = 0;   // client -> pod
  std::uint64_t steered_bytes_out = 0;  // pod -> client
  std::uint64_t steered_resent_in = 0;  // packets client -> pod with nothing new in them
  std::uint64_t steered_resent_out = 0;
  std::uint64_t connect_failures = 0;
  std::uint64_t tcp_bytes_in = 0;   // of TCP listeners: client -> endpoint
  std::uint64_t tcp_bytes_out = 0;  // endpoint -> client
  std::uint64_t udp_in = 0;         // datagrams, client -> endpoint
  std::uint64_t udp_out = 0;        // endpoint -> client
  std::uint64_t udp_bytes_in = 0;
  std::uint64_t udp_bytes_out = 0;
  std::array<std::uint64_t, 6> responses{};  // by status class: [2] = 2xx; [0] = none
  DurationHistogram durations;    // of requests that it was picked for, but for promoted ones
  DurationHistogram first_bytes;  // of these, until the head of the answer
  std::uint32_t uses = 0;         // ClusterUse objects
  std::uint32_t unused_for = 0;   // generations in which there was none
};

struct WorkerReport {
  std::uint32_t worker = 0;
  std::uint64_t generation = 0;  // of the snapshot in use
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_open = 0;  // gauge
  std::uint64_t requests = 0;
  std::uint64_t tcp_connections = 0;  // of TCP listeners
  std::uint64_t tcp_open = 0;         // gauge
  std::uint64_t udp_sessions = 0;     // clients of UDP listeners
  std::uint64_t udp_open = 0;         // gauge
  std::uint64_t udp_received = 0;     // datagrams from clients
  std::uint64_t udp_sent = 0;         // to clients
  std::uint64_t bytes_received = 0;   // from clients
  std::uint64_t bytes_sent = 0;       // to clients
  std::uint64_t upstreams_open = 0;   // gauge
  std::uint64_t upstreams_idle = 0;   // gauge
  std::uint64_t upstream_connects = 0;
  std::uint64_t upstream_reuses = 0;
  // Attempts after the first one, by retry policies; and requests whose body was too long to be kept for them.
  std::uint64_t retries = 0;
  std::uint64_t retries_too_large = 0;
  std::uint64_t buffer_bytes = 0;     // gauge: memory in stream buffers
  std::uint64_t steered_open = 0;     // gauge: connections that the kernel carries for this worker
  std::uint64_t steered_adopted = 0;  // of these, left by an earlier agent; gauge
  std::uint64_t steered_held =
      0;  // gauge: upstream sockets kept until the pod acknowledged the request
  std::uint64_t slots_free = 0;             // gauge
  std::uint64_t upstream_ports_in_use = 0;  // gauge
  std::uint64_t steered_closed = 0;         // ended by FINs on both sides
  std::uint64_t steered_reset = 0;          // ended by a valid RST
  std::uint64_t steered_replaced = 0;       // ended by a new SYN on the same tuple
  std::uint64_t steered_idle = 0;           // removed by the idle sweep
  std::uint64_t steered_returned = 0;       // taken back
  std::uint64_t steered_cut = 0;            // ended by us
  std::uint64_t returned_at_turn = 0;       // of those taken back: with a request
  std::uint64_t returned_idle = 0;          // while nothing was under way
  std::uint64_t returned_opaque = 0;        // of both, what went on with no request
  std::array<std::uint64_t, static_cast<std::size_t>(MoveReason::kCount)> moves_asked{};
  std::array<std::uint64_t, static_cast<std::size_t>(ReturnFailure::kCount)> return_failures{};
  std::array<std::uint64_t, static_cast<std::size_t>(Ending::kCount)> endings{};
  std::array<std::uint64_t, static_cast<std::size_t>(Refusal::kCount)> refusals{};
  // Upstream connections of listeners that show their clients' addresses, and those that do now.
  std::array<std::uint64_t, static_cast<std::size_t>(Shown::kCount)> addresses_shown{};
  std::uint64_t sources = 0;  // gauge
  std::uint64_t mirrors_sent = 0;
  std::uint64_t mirrors_answered = 0;
  std::uint64_t mirrors_failed = 0;   // after they were sent
  std::uint64_t mirrors_dropped = 0;  // never sent: too many, a body too large, no endpoint
  std::uint64_t fault_delays = 0;     // requests that a route's fault delayed
  http::DesyncCounters desync;        // of requests, by what was found in them
  std::map<std::string, ClusterReport> clusters;  // by Cluster::key
};

}  // namespace sluice::proxy
