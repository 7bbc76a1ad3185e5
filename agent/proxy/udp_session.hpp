// SPDX-License-Identifier: Apache-2.0
// UdpSession: the datagrams of one client (address and port) at one local address, and the endpoint that they go to.
// It is chosen with the first datagram; it stays while datagrams come and it may be used, else the next datagram
// chooses again.
// Callers: UdpListener. Thread: worker. Invariants: while open() it has a socket to its endpoint, in the reactor.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/base/unique_fd.hpp"
#include "agent/net/reactor.hpp"
#include "agent/proxy/context.hpp"
#include "agent/proxy/listener_load.hpp"
#include "agent/proxy/request_load.hpp"

namespace sluice::proxy {

class UdpListener;

// What clients and listeners know a session by.
struct UdpSessionKey {
  SocketAddress peer;
  IpAddress local;

  bool operator==(const UdpSessionKey&) const = default;
};

class UdpSession final : public net::EventHandler {
 public:
  UdpSession(Context& context, UdpListener& listener, const UdpSessionKey& key,
             ListenerPlace place);
  ~UdpSession();
  UdpSession(const UdpSession&) = delete;
  UdpSession& operator=(const UdpSession&) = delete;

  // A datagram of the client. What cannot be sent on is counted and dropped.
  void forward(const snapshot::Listener& listener, std::string_view payload);
  // Answers of the endpoint, or what ICMP said of it. May destroy the session.
  void on_ready(std::uint32_t events) override;

 private:
  [[nodiscard]] bool open() const { return static_cast<bool>(upstream_); }
  // The endpoint may still be used for datagrams of this client, as the generation in force has it.
  [[nodiscard]] bool still_right(const snapshot::Listener& listener);
  [[nodiscard]] bool choose(const snapshot::Listener& listener);
  // Why it could not, or nothing.
  [[nodiscard]] std::optional<Ending> connect(const std::optional<std::uint64_t>& hash);
  void refused();
  void close();
  void on_timer();
  void arm();
  [[nodiscard]] Milliseconds idle_limit() const;

  Context& context_;
  UdpListener& listener_;
  UdpSessionKey key_;
  ListenerPlace place_;
  UniqueFd upstream_;
  SocketAddress endpoint_;
  std::optional<SocketAddress> refused_;  // nobody received there: others are preferred
  std::shared_ptr<ClusterUse> use_;       // outlives load_ and slot_
  ClusterReport* report_ = nullptr;
  RequestLoad load_;  // the session counts as a request in flight
  health::Token slot_;
  model::TrafficPolicyPtr policy_;
  std::uint64_t generation_ = 0;  // serial of the one that the endpoint was last held against
  TimePoint since_;               // of the last datagram, either way
  net::Timer timer_;
};

}  // namespace sluice::proxy
