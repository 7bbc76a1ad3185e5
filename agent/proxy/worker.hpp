// SPDX-License-Identifier: Apache-2.0
// Worker: one thread that accepts, parses, routes, proxies and offers connections for steering. Shared-nothing: its
// reactor, pools, pick state and snapshot are its own.
// Thread: create/start/stop/publish/report from main; everything behind them runs on the worker's own thread.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/clock.hpp"
#include "agent/base/error.hpp"
#include "agent/health/registry.hpp"
#include "agent/http/forwarded.hpp"
#include "agent/http/h1_codec.hpp"
#include "agent/net/reactor.hpp"
#include "agent/proxy/listener_load.hpp"
#include "agent/proxy/steering.hpp"
#include "agent/proxy/worker_report.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::proxy {

class AccessSink;
class CarriedWatch;

struct WorkerOptions {
  std::uint32_t index = 0;
  http::H1Options http;                     // a listener may have its own mode and body limit
  Milliseconds head_timeout{10'000};        // first byte of a head to its last
  Milliseconds idle_timeout{75'000};        // a kept-alive client between requests
  Milliseconds stream_timeout{60'000};      // no byte moved in either direction during a request
  Milliseconds connect_timeout{3'600'000};  // at most; a cluster's connectTimeout says how long
  Milliseconds upstream_idle_timeout{60'000};
  Milliseconds carried_grace{10'000};  // for carried connections to leave an endpoint that goes
  std::uint32_t max_connections = 50'000;
  // Clients get no descriptor from this number on: those are for upstreams, control and the log. 0 = no such limit.
  std::uint32_t client_descriptors = 0;
  std::vector<IpPrefix> trusted_cidrs{};  // proxies whose word on the client's address counts
  http::ForwardedTrust trust{};           // the same for what they say in X-Forwarded-For
  std::string via{};                      // how we call ourselves in Via; empty: it is not written
  std::string server_header{};            // replaces Server of every answer; empty: it stays
  std::string node_name{};                // %HOSTNAME% in values of headers
  std::shared_ptr<ListenerLoads> listener_loads{};  // of all workers; null: of this one alone
  std::uint32_t max_idle_upstreams = 512;           // per endpoint
  std::uint32_t buffer_bytes = 64 * 1024;  // per direction of a stream: the bound of back-pressure
  std::shared_ptr<health::Registry> registry;  // of all workers; null: one of its own
  CarriedWatch* carried_watch = nullptr;       // outlives the worker; null: nobody is told
  AccessSink* access_sink = nullptr;           // outlives the worker; null: no request is recorded
};

class Worker {
 public:
  // Runs once on the worker's thread before it accepts; may return nullptr (no kernel path).
  using SteeringFactory = std::function<std::unique_ptr<Steering>(net::Reactor& reactor)>;

  static Result<std::unique_ptr<Worker>> create(WorkerOptions options, const Clock& clock,
                                                SteeringFactory steering);
  virtual ~Worker() = default;

  virtual void start() = 0;
  // Begins to end: stops accepting, lets requests in flight finish until `grace` is over, then closes. Returns at once,
  // so that all workers can use the same grace.
  virtual void drain(Milliseconds grace) = 0;
  // drain(), or a new grace for the drain that is under way, and waits for the end of it.
  virtual void stop(Milliseconds grace) = 0;
  // Its thread has ended: nothing is open any more. Thread: any.
  [[nodiscard]] virtual bool finished() const = 0;
  // Steering from now on, for a worker that was created without; publish() must follow.
  virtual void use_steering(SteeringFactory steering) = 0;
  // Lets go of what the kernel carries (Steering::retire) and calls `done` on the worker's thread, within a second.
  virtual void retire_steering(std::function<void()> done) = 0;
  // Takes back (MoveReason::kAsked, also while idle) those of the connections that the kernel carries for this worker
  // which `wanted` names. How many; nullopt when it does not answer within `limit`.
  [[nodiscard]] virtual std::optional<std::uint64_t> take_back(
      std::function<bool(const Carried&)> wanted, Milliseconds limit) = 0;
  // Takes effect for the next request; requests in flight keep theirs.
  virtual void publish(snapshot::SnapshotPtr snapshot) = 0;
  // Listening sockets to accept on from now on, in addition; ownership passes. Used for the sk_lookup socket (one, any
  // local address) and for directly bound ports where there is no kernel path.
  virtual void add_listening_socket(UniqueFd socket) = 0;
  // Stops accepting on that local address (directly bound ports only).
  virtual void remove_listening_socket(const SocketAddress& local) = 0;
  // The same for sockets of net::bind_udp(), each with a port of its own listener.
  virtual void add_datagram_socket(UniqueFd socket) = 0;
  virtual void remove_datagram_socket(const SocketAddress& local) = 0;
  // A copy made on the worker's thread; nullopt when it does not answer within `limit`.
  [[nodiscard]] virtual std::optional<WorkerReport> report(Milliseconds limit) = 0;
};

// A listening TCP socket with SO_REUSEPORT, non-blocking, TCP_NODELAY for its children. `bind` unset: dual stack on
// every address (AF_INET where the host has no IPv6). Port 0 lets the kernel choose.
[[nodiscard]] Result<UniqueFd> make_listening_socket(std::optional<IpAddress> bind,
                                                     std::uint16_t port);

}  // namespace sluice::proxy
