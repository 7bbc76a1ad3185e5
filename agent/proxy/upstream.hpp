// SPDX-License-Identifier: Apache-2.0
// Upstream: one HTTP/1 connection to an endpoint, in use by one exchange or idle in its pool.
// Callers: EndpointPool, H1Exchange, Stream. Thread: worker. Invariants: an idle upstream has no exchange, no bytes
// waiting in either direction and is watched, so that the endpoint's close takes it out of the pool.
#pragma once
#include <cstdint>
#include <memory>

#include "agent/base/clock.hpp"
#include "agent/health/token.hpp"
#include "agent/net/reactor.hpp"
#include "agent/proxy/channel.hpp"
#include "agent/proxy/steering.hpp"

namespace sluice::proxy {

class EndpointPool;
class H1Exchange;
struct Context;

class Upstream final : public net::EventHandler {
 public:
  // An ordinary connection, or one that may be promoted.
  Upstream(Context& context, std::shared_ptr<EndpointPool> pool, UniqueFd fd);
  Upstream(Context& context, std::shared_ptr<EndpointPool> pool, SteerUpstream steer);
  ~Upstream();  // closes
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  void on_ready(std::uint32_t events) override;
  [[nodiscard]] bool watch();

  [[nodiscard]] Channel& channel() { return channel_; }
  [[nodiscard]] const Channel& channel() const { return channel_; }
  [[nodiscard]] EndpointPool& pool() const { return *pool_; }
  [[nodiscard]] bool steerable() const { return steerable_; }
  [[nodiscard]] std::uint16_t mss() const { return steer_.mss; }
  // The client whose address the endpoint sees; nullopt: the node's.
  [[nodiscard]] const std::optional<IpAddress>& shown() const { return steer_.shown; }
  void use(H1Exchange* exchange) { exchange_ = exchange; }

  // Whether the handshake is over; asks the socket until it is.
  [[nodiscard]] bool connected();
  [[nodiscard]] bool known_connected() const {
    return connected_ || reused_ || channel_.sent() > 0;
  }
  [[nodiscard]] bool reused() const { return reused_; }
  void mark_reused() { reused_ = true; }
  // What follows is a new request: its own bytes are counted from here.
  void begin_request();
  // Tells the endpoint ahead of the first request whose connection this is, where the cluster's proxyProtocol asks for
  // it. True: it did, and the connection, which names one client now, must serve this request only.
  bool announce(const SocketAddress& client, const SocketAddress& local);
  [[nodiscard]] bool response_began() const { return channel_.received() != received_before_; }
  // The endpoint cannot have acted on the request.
  [[nodiscard]] bool request_untouched() const;
  // Nothing has come on an idle connection: no close, and no bytes that answer no request.
  [[nodiscard]] bool still_open() const;
  void reset_on_close() { reset_ = true; }

  // Lends the socket to Steering::promote(): out of the reactor and out of the channel, and back.
  [[nodiscard]] SteerUpstream lend();
  void take_back(SteerUpstream steer);
  void forget_socket();  // promote() has consumed it

  TimePoint idle_since;
  // Kept by its pool: a unit of the cluster's max_connections, one of the endpoint's connections, and what limits how
  // long it is used.
  health::Token slot;
  health::Token counted;
  TimePoint opened_at;
  std::uint32_t requests = 0;

 private:
  Context& context_;
  std::shared_ptr<EndpointPool> pool_;
  Channel channel_;
  SteerUpstream steer_;  // without its descriptor, which the channel has
  H1Exchange* exchange_ = nullptr;
  std::uint64_t received_before_ = 0;
  std::uint64_t sent_before_ = 0;
  bool steerable_ = false;
  bool connected_ = false;
  bool reused_ = false;
  bool reset_ = false;
};

}  // namespace sluice::proxy
