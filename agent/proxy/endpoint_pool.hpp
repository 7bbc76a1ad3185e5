// SPDX-License-Identifier: Apache-2.0
// EndpointPool: the connections of one worker to one endpoint of one cluster, the idle ones kept; EndpointPools: all
// endpoints of a worker.
// Callers: ClusterUse, Stream, Worker. Thread: worker. Invariants: the most recently used connection is taken first, so
// that the surplus of a burst grows old and expires; connections of the agent's port range stay apart from ordinary
// ones; every open connection holds a unit of the cluster's max_connections.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "agent/base/ip_address.hpp"
#include "agent/health/cluster_record.hpp"
#include "agent/proxy/upstream.hpp"

namespace sluice::proxy {

class EndpointPool : public std::enable_shared_from_this<EndpointPool> {
 public:
  EndpointPool(Context& context, std::shared_ptr<health::EndpointRecord> record,
               model::TrafficPolicyPtr policy);

  [[nodiscard]] const SocketAddress& address() const { return record_->address(); }
  [[nodiscard]] health::EndpointRecord& record() const { return *record_; }
  [[nodiscard]] const model::TrafficPolicy& policy() const { return *policy_; }
  // That of the latest generation; connections under other terms are not used again.
  void set_policy(const model::TrafficPolicyPtr& policy);

  // An idle connection, or nullptr; none that has been idle for longer than `at_most` (expire() keeps none that long).
  [[nodiscard]] std::unique_ptr<Upstream> take(bool steerable,
                                               Milliseconds at_most = std::chrono::hours(1));
  // Starts a new one; a steerable one where the kernel path allows it and an ordinary one otherwise, or then, if
  // `kept_will_do`, an idle ordinary one. kExhausted: the cluster has as many as it may.
  [[nodiscard]] Result<std::unique_ptr<Upstream>> connect(bool steerable, std::uint16_t mss,
                                                          bool kept_will_do = false);
  // A request is over and the connection may serve another: keeps it, or closes it when it cannot be kept.
  void put(std::unique_ptr<Upstream> upstream);
  void discard(Upstream& upstream);  // closed while idle
  void expire(TimePoint now);
  // Closes the idle connection that was used least recently; false when there is none.
  bool give_up_one();
  void retire();  // the endpoint left the configuration
  // One of its connections was closed. Called by Upstream's destructor.
  void closed();

 private:
  using Idle = std::vector<std::unique_ptr<Upstream>>;
  [[nodiscard]] bool worn_out(const Upstream& upstream) const;

  Context& context_;
  std::shared_ptr<health::EndpointRecord> record_;
  model::TrafficPolicyPtr policy_;
  std::array<Idle, 2> idle_;  // [steerable]
  bool retired_ = false;
};

class EndpointPools {
 public:
  explicit EndpointPools(Context& context) : context_(context), table_(std::make_shared<Table>()) {}
  // The pool of that endpoint. It is retired when the last of the pointers that were handed out is gone, so that a
  // publish looks only at the endpoints that came or went.
  [[nodiscard]] std::shared_ptr<EndpointPool> get(
      const std::shared_ptr<health::EndpointRecord>& record, const model::TrafficPolicyPtr& policy);
  void expire(TimePoint now);
  // Closes one idle connection of the cluster, if there is any: another worker waits for it.
  void give_up_one(const health::ClusterRecord& cluster);
  void clear();

 private:
  struct Lease;
  struct Entry {
    std::shared_ptr<EndpointPool> pool;
    std::weak_ptr<Lease> lease;  // what the pointers that are handed out count on
  };
  using Table = std::unordered_map<const health::EndpointRecord*, Entry>;

  Context& context_;
  std::shared_ptr<Table> table_;  // leases may outlive this object
};

}  // namespace sluice::proxy
