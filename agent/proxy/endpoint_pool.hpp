// SPDX-License-Identifier: Apache-2.0
// EndpointPool: the connections of one worker to one endpoint of one cluster, the idle ones kept; EndpointPools: all
// endpoints of a worker. Copies of requests (Mirrors) have pools of their own, with bounds of their own: a mirror that
// is slow takes nothing that requests need, at the same endpoint either.
// Callers: ClusterUse, Stream, Mirrors, Worker. Thread: worker. Invariants: the most recently used connection is taken
// first, so that the surplus of a burst grows old and expires; connections of the agent's port range stay apart from
// ordinary ones, and serve one client's requests only where they show its address; every open connection for requests
// holds a unit of the cluster's max_connections.
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

enum class PoolUse : std::uint8_t { kRequests, kMirrors };

class EndpointPool : public std::enable_shared_from_this<EndpointPool> {
 public:
  // Of one for mirrors; as many connections as max_connections at most.
  static constexpr std::uint32_t kMostForMirrors = 64;
  static constexpr std::size_t kMostIdleForMirrors = 8;

  EndpointPool(Context& context, std::shared_ptr<health::EndpointRecord> record,
               model::TrafficPolicyPtr policy, PoolUse use);

  [[nodiscard]] const SocketAddress& address() const { return record_->address(); }
  [[nodiscard]] health::EndpointRecord& record() const { return *record_; }
  [[nodiscard]] const std::shared_ptr<health::EndpointRecord>& shared_record() const {
    return record_;
  }
  [[nodiscard]] const model::TrafficPolicy& policy() const { return *policy_; }
  // That of the latest generation; connections under other terms are not used again.
  void set_policy(const model::TrafficPolicyPtr& policy);

  // Whose request it is, where the endpoint is to see that client's address.
  using Client = std::optional<IpAddress>;

  // An idle connection, or nullptr; none that has been idle for longer than `at_most` (expire() keeps none that long).
  [[nodiscard]] std::unique_ptr<Upstream> take(bool steerable,
                                               Milliseconds at_most = std::chrono::hours(1),
                                               const Client& client = {});
  // Starts a new one; a steerable one where the kernel path allows it and an ordinary one otherwise, or then, if
  // `kept_will_do`, an idle ordinary one. kExhausted: the cluster, or the pool for mirrors, has as many as it may.
  [[nodiscard]] Result<std::unique_ptr<Upstream>> connect(bool steerable, std::uint16_t mss,
                                                          bool kept_will_do = false,
                                                          const Client& client = {});
  // A request is over and the connection may serve another: keeps it, or closes it when it cannot be kept.
  void put(std::unique_ptr<Upstream> upstream);
  void discard(Upstream& upstream);  // closed while idle
  void expire(TimePoint now);
  // Closes the idle connection that was used least recently; false when there is none.
  bool give_up_one();
  void retire();  // the endpoint left the configuration
  // Of one for mirrors: all its connections are in use.
  [[nodiscard]] bool full() const;
  // One of its connections was closed. Called by Upstream's destructor.
  void closed();

 private:
  using Idle = std::vector<std::unique_ptr<Upstream>>;
  [[nodiscard]] Idle& idle_of(const Upstream& upstream);
  [[nodiscard]] std::unique_ptr<Upstream> use_again(std::unique_ptr<Upstream> upstream);
  [[nodiscard]] std::unique_ptr<Upstream> take_shown(Milliseconds at_most, const IpAddress& client);
  [[nodiscard]] bool worn_out(const Upstream& upstream) const;
  [[nodiscard]] Result<health::Token> admit();
  [[nodiscard]] std::uint32_t most_for_mirrors() const;
  // Requests may be waiting for its connections.
  [[nodiscard]] bool limits_requests() const {
    return use_ == PoolUse::kRequests && policy_->connection_pool.max_connections.has_value();
  }

  Context& context_;
  std::shared_ptr<health::EndpointRecord> record_;
  model::TrafficPolicyPtr policy_;
  PoolUse use_;
  std::array<Idle, 3> idle_;  // ordinary, steerable, and those that show a client
  std::uint32_t open_ = 0;    // idle ones included
  bool retired_ = false;
};

class EndpointPools {
 public:
  EndpointPools(Context& context, PoolUse use)
      : context_(context), use_(use), table_(std::make_shared<Table>()) {}
  // The pool of that endpoint, under `policy` if it is new. It is retired when the last of the pointers that were
  // handed out is gone, so that a publish looks only at the endpoints that came or went.
  [[nodiscard]] std::shared_ptr<EndpointPool> get(
      const std::shared_ptr<health::EndpointRecord>& record, const model::TrafficPolicyPtr& policy);
  // The pool that there is, from now on under `policy`; null when nobody asked for one yet.
  [[nodiscard]] std::shared_ptr<EndpointPool> adopt(
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
  PoolUse use_;
  std::shared_ptr<Table> table_;  // leases may outlive this object
};

}  // namespace sluice::proxy
