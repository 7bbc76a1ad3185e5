// SPDX-License-Identifier: Apache-2.0
// TcpSession: one connection of a TCP listener and the connection to the endpoint it was given to: bytes both ways,
// half closes kept, resets passed on. What one side does not take stops the other: at most one read waits in each
// direction.
// Moves bytes with recv(2) and send(2): splice(2) through a pipe of the same 64 KiB costs as much (measured over
// loopback: both 0.36 CPU-seconds a GiB in large pieces, 0.35 against 0.38 in pieces of 16 KiB) and four descriptors.
// Callers: open_session(). Thread: worker. Invariants: no byte is read from the client before the endpoint is
// connected, so that another endpoint can be tried; the generation is held only until then, for a connection may live
// for days.
#pragma once
#include <cstdint>

#include "agent/model/traffic_policy.hpp"
#include "agent/proxy/channel.hpp"
#include "agent/proxy/connection.hpp"
#include "agent/proxy/generation.hpp"
#include "agent/proxy/greeting.hpp"
#include "agent/proxy/hash_key.hpp"
#include "agent/proxy/relay_way.hpp"
#include "agent/proxy/request_load.hpp"
#include "agent/proxy/worker_report.hpp"

namespace sluice::proxy {

class TcpSession final : public Connection {
 public:
  TcpSession(Context& context, Accepted accepted, const snapshot::Listener& listener);

  void on_ready(std::uint32_t events) override;  // of the client
  void drive() override;
  void close_now() override;
  void drain(TimePoint idle_end) override;

 private:
  enum class State : std::uint8_t { kStart, kConnect, kRelay, kClosed };
  class UpstreamEvents final : public net::EventHandler {
   public:
    explicit UpstreamEvents(TcpSession& session) : session_(session) {}
    void on_ready(std::uint32_t events) override;

   private:
    TcpSession& session_;
  };

  ~TcpSession();
  bool step();
  void choose(const snapshot::Listener& listener);
  void connect();
  bool step_connect();
  void connect_failed(const char* why);
  void begin_relay();
  bool relay();
  void end(std::optional<Ending> ending, bool reset);
  void settle();
  void destroy();
  void release_generation();
  void on_timer();
  void arm();
  [[nodiscard]] TimePoint deadline() const;
  [[nodiscard]] Milliseconds idle_limit() const;

  Context& context_;
  Channel client_;
  Channel upstream_;
  UpstreamEvents upstream_events_;
  RelayWay to_endpoint_;
  RelayWay to_client_;
  net::Timer timer_;
  SocketAddress peer_;
  SocketAddress local_;
  Generation* generation_ = nullptr;
  Target* target_ = nullptr;  // of generation_
  ClusterReport* report_ = nullptr;
  std::shared_ptr<ClusterUse> use_;  // outlives load_ and slot_
  RequestLoad load_;                 // the connection counts as a request in flight
  health::Token slot_;
  std::optional<std::uint64_t> hash_;
  model::TrafficPolicyPtr policy_;
  SocketAddress endpoint_;
  std::uint32_t attempts_ = 0;
  TimePoint started_;  // accepted
  TimePoint since_;    // of the last progress, or of the attempt to connect
  TimePoint armed_;
  State state_ = State::kStart;
  bool reset_ = false;
};

}  // namespace sluice::proxy
