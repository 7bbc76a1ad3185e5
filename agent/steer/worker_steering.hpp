// SPDX-License-Identifier: Apache-2.0
// WorkerSteering: the proxy's Steering interface on the kernel's flow table: opens steerable
// upstream connections, hands connections over (promote), keeps what was handed over. Thread: the
// worker's. Invariants: of promote() docs/steering.md: slot before entries, entries before the last
// look at the client's socket, that look before the request leaves.
#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/datapath/event_ring.hpp"
#include "agent/net/reactor.hpp"
#include "agent/proxy/steering.hpp"
#include "agent/steer/hand_over.hpp"
#include "agent/steer/learner.hpp"
#include "agent/steer/paths.hpp"
#include "agent/steer/port_pool.hpp"
#include "agent/steer/reclaimer.hpp"
#include "agent/steer/slot_pool.hpp"
#include "agent/steer/source_set.hpp"
#include "agent/steer/steered_set.hpp"

namespace sluice::steer {

struct SteerOptions {
  std::uint32_t worker = 0;
  PortRange ports;
  KeepOptions keep;
  std::uint32_t client_descriptors = 0;  // as WorkerOptions has it
};

class WorkerSteering final : public proxy::Steering, private net::EventHandler {
 public:
  // Without its ring of events it hands nothing over, but still keeps and sweeps what it adopted.
  static std::unique_ptr<WorkerSteering> create(SteerOptions options, datapath::FlowTable& flows,
                                                SlotShare share, net::Reactor& reactor);
  ~WorkerSteering() override;

  void set_paths(PathsPtr paths);  // Thread: the worker's (post it)

  std::uint32_t listener_id(const std::string& name) override;
  bool wants(std::uint32_t listener, const model::SteerAfter& after,
             std::uint64_t request_number) override;
  void connection_finished(std::uint32_t listener, std::uint64_t requests) override;
  bool can_show(const IpAddress& client, const SocketAddress& endpoint) override;
  Result<proxy::SteerUpstream> connect_upstream(const SocketAddress& endpoint, std::uint16_t mss,
                                                const std::optional<IpAddress>& client) override;
  void close_upstream(proxy::SteerUpstream upstream, bool reset) override;
  std::uint16_t upstream_mss_for(int client_fd, const SocketAddress& client) override;
  proxy::PromoteResult promote(const proxy::Promotion& promotion, UniqueFd& client,
                               proxy::SteerUpstream& upstream) override;
  bool retire(bool now) override;
  void set_user(proxy::SteeringUser* user) override { user_ = user; }
  void visit(const std::function<void(const proxy::Carried&)>& see) const override;
  bool take_back(proxy::CarriedId id, proxy::MoveReason reason, bool idle) override;
  void keep(proxy::CarriedId id) override { reclaimer_.keep(id); }
  void cut(proxy::CarriedId id) override { reclaimer_.cut(id); }
  void add_to(proxy::WorkerReport& report) const override;
  void forget_clusters(const proxy::WorkerReport& known) override {
    steered_.forget_clusters(known);
  }

 private:
  WorkerSteering(SteerOptions options, datapath::FlowTable& flows, SlotShare share,
                 net::Reactor& reactor);
  void on_ready(std::uint32_t events) override;
  void tick();
  void look_for_idle();
  void finish_returns();
  void returned(proxy::Returned connection);
  void gone(const SteeredSet::Gone& connection);
  std::optional<proxy::Refusal> read_legs(const proxy::Promotion& promotion, int client_fd,
                                          const proxy::SteerUpstream& upstream, Leg& client,
                                          Leg& up);
  void finish(const proxy::Promotion& promotion, std::uint32_t index, std::uint32_t request_start,
              UniqueFd& client, proxy::SteerUpstream& upstream);
  proxy::PromoteResult undo(std::uint32_t index, proxy::SteerUpstream& upstream,
                            proxy::Refusal refusal);

  SteerOptions options_;
  datapath::FlowTable& flows_;
  net::Reactor& reactor_;
  PortPool ports_;
  SourceSet sources_;
  SteeredSet steered_;
  Reclaimer reclaimer_;
  proxy::SteeringUser* user_ = nullptr;
  PathsPtr paths_ = std::make_shared<Paths>();
  std::unordered_map<std::string, std::uint32_t> listener_ids_;
  std::vector<Learner> learners_;  // by listener id
  std::unique_ptr<datapath::EventRing> ring_;
  net::Timer timer_;
  net::Timer idle_timer_;  // of those that may come back while they are idle
  std::array<std::uint64_t, static_cast<std::size_t>(proxy::Shown::kCount)> shown_{};
  bool retiring_ = false;  // hands nothing over any more
};

}  // namespace sluice::steer
