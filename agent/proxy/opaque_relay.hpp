// SPDX-License-Identifier: Apache-2.0
// OpaqueRelay: a connection that was taken back from the kernel in the middle of a message: its client went on with
// what is no request, so its endpoint had answered before it had read everything. Nobody but that endpoint can tell
// where the next request begins; the two are joined until one of them closes.
// Callers: H1Session (makes). Thread: worker.
#pragma once
#include <string_view>

#include "agent/proxy/channel.hpp"
#include "agent/proxy/connection.hpp"
#include "agent/proxy/relay_way.hpp"
#include "agent/proxy/steering.hpp"

namespace sluice::proxy {

struct Context;

class OpaqueRelay final : public Connection {
 public:
  // Lives by itself, from the first drive() on. `pending`: what the client has sent and the endpoint has not got.
  OpaqueRelay(Context& context, UniqueFd client, SteerUpstream endpoint, std::string_view pending);

  void on_ready(std::uint32_t events) override;  // of the client
  void drive() override;
  void close_now() override;
  void drain(TimePoint idle_end) override;

 private:
  class EndpointEvents final : public net::EventHandler {
   public:
    explicit EndpointEvents(OpaqueRelay& relay) : relay_(relay) {}
    void on_ready(std::uint32_t events) override;

   private:
    OpaqueRelay& relay_;
  };

  ~OpaqueRelay() = default;
  bool step();
  void destroy(bool reset);
  void arm();

  Context& context_;
  Channel client_;
  Channel endpoint_;
  EndpointEvents endpoint_events_;
  RelayWay to_endpoint_;
  RelayWay to_client_;
  SteerUpstream upstream_;  // without its descriptor, which the channel has
  net::Timer timer_;
  TimePoint progress_;
};

}  // namespace sluice::proxy
