// SPDX-License-Identifier: Apache-2.0
// ClusterRecord, EndpointRecord: load and health of one cluster and its endpoints, one object for all workers and
// generations. Found through Registry when a generation is made; read and changed per request without a lock (a lock is
// taken only to eject).
// Callers: proxy (per attempt), Registry (sweep). Thread: any. Invariants: a record lives while something holds it, and
// an endpoint's holds its cluster's; at most max_ejection_percent of the live endpoints are ejected, or one.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/balance/endpoint_state.hpp"
#include "agent/base/clock.hpp"
#include "agent/base/ip_address.hpp"
#include "agent/base/thread_role.hpp"
#include "agent/health/outcome.hpp"
#include "agent/health/token.hpp"
#include "agent/model/traffic_policy.hpp"

namespace sluice::health {

class ClusterRecord;

class EndpointRecord {
 public:
  EndpointRecord(std::shared_ptr<ClusterRecord> cluster, const SocketAddress& address)
      : cluster_(std::move(cluster)), address_(address) {}

  // What pickers read. The proxy counts requests in flight through in_flight().
  [[nodiscard]] balance::EndpointState& state() { return state_; }
  [[nodiscard]] const SocketAddress& address() const { return address_; }
  [[nodiscard]] ClusterRecord& cluster() const { return *cluster_; }
  // Counts a request in flight until the token goes; this record must outlive it.
  [[nodiscard]] Token begin_request() { return Token::take(state_.in_flight); }
  // Counts an open connection, in the same way. For status: limits are the cluster's.
  [[nodiscard]] Token begin_connection() { return Token::take(connections_); }
  // An attempt is over. Ejects the endpoint when that makes too many failures in a row.
  void report(Outcome outcome, const model::OutlierDetection& policy, TimePoint now);

 private:
  friend class ClusterRecord;
  friend class Registry;
  void failed(Counter& counter, std::uint32_t limit, Ejection kind,
              const model::OutlierDetection& policy, TimePoint now);
  void forget_failures();

  balance::EndpointState state_;
  std::shared_ptr<ClusterRecord> cluster_;
  SocketAddress address_;
  Counter server_errors_{0};  // in a row
  Counter gateway_errors_{0};
  Counter local_failures_{0};
  Counter connections_{0};
  // Guarded by the cluster's mutex.
  TimePoint ejected_until_{};
  Ejection ejected_for_ = Ejection::kServerErrors;  // the last time
  TimePoint changed_at_{};           // when it was taken back, or its times_ejected_ last fell
  std::int64_t ready_since_ = 0;     // as last configured
  std::uint32_t times_ejected_ = 0;  // falls by one an interval while it is well
};
// So that the state_ of two that lie side by side never shares a line. Aligned to one, ten thousand of them take 2 MB
// more, and what state_ may share its line with are rarely used parts of its neighbour.
static_assert(sizeof(EndpointRecord) >= 64);

// What is known of one endpoint, copied out for metrics and status.
struct EndpointView {
  SocketAddress address;
  std::uint32_t in_flight = 0;
  std::uint32_t connections = 0;  // that workers have, idle ones included
  bool ejected = false;
  Milliseconds returns_in{0};                // with ejected
  Ejection cause = Ejection::kServerErrors;  // with ejected
  std::uint32_t times_ejected = 0;
};
struct ClusterView {
  std::string key;
  std::uint32_t requests = 0;
  std::uint32_t pending = 0;
  std::uint32_t retries = 0;
  std::uint32_t connections = 0;
  std::uint32_t ejected = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(Ejection::kCount)> ejections{};
  std::uint64_t ejections_held_back = 0;  // by max_ejection_percent
  std::array<std::uint64_t, static_cast<std::size_t>(Overflow::kCount)> overflows{};
  std::vector<EndpointView> endpoints;  // by address
};

class ClusterRecord : public std::enable_shared_from_this<ClusterRecord> {
 public:
  explicit ClusterRecord(std::string key) : key_(std::move(key)) {}

  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] const balance::ClusterChanges& changes() const { return changes_; }

  // Each gives an empty token, and counts the overflow, when the policy allows no more. The record outlives the tokens.
  [[nodiscard]] Token begin_connection(const model::ConnectionPool& pool) {
    return begin(connections_, pool.max_connections, Overflow::kConnections);
  }
  // One that is there already, whatever the limit says.
  [[nodiscard]] Token adopt_connection() { return Token::take(connections_); }
  [[nodiscard]] Token begin_pending(const model::ConnectionPool& pool) {
    return begin(pending_, pool.max_pending_requests, Overflow::kPending);
  }
  [[nodiscard]] Token begin_request(const model::ConnectionPool& pool) {
    return begin(requests_, pool.max_requests, Overflow::kRequests);
  }
  // By max_retries and by the retry budget, of which the requests in flight are the base.
  [[nodiscard]] Token begin_retry(const model::TrafficPolicy& policy);

  void count(Overflow overflow) {
    overflows_[static_cast<std::size_t>(overflow)].fetch_add(1, std::memory_order_relaxed);
  }
  // Requests that wait because there are max_connections, in all workers.
  void count_waiting(std::int32_t change) { waiting_.fetch_add(change, std::memory_order_relaxed); }
  [[nodiscard]] std::int32_t waiting() const { return waiting_.load(std::memory_order_relaxed); }

 private:
  friend class EndpointRecord;
  friend class Registry;

  Token begin(Counter& counter, std::optional<std::uint32_t> limit, Overflow overflow) {
    Token token = Token::take(counter, limit);
    if (!token) count(overflow);
    return token;
  }
  void eject(EndpointRecord& endpoint, Ejection kind, const model::OutlierDetection& policy,
             TimePoint now);
  void take_back(EndpointRecord& endpoint, TimePoint now) LB_REQUIRES(mutex_);
  // Takes back those whose time is over, or all when there is no policy any more; drops records that are gone.
  void sweep(TimePoint now);
  [[nodiscard]] ClusterView view(TimePoint now);

  const std::string key_;
  // Lines of their own: each is written by every worker, where it is counted at all.
  alignas(64) Counter requests_{0};
  alignas(64) Counter pending_{0};
  Counter retries_{0};
  Counter connections_{0};
  std::atomic<std::int32_t> waiting_{0};
  alignas(64) balance::ClusterChanges changes_;  // read at each pick, hardly ever written
  std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(Overflow::kCount)> overflows_{};

  Mutex mutex_;
  std::unordered_map<SocketAddress, std::weak_ptr<EndpointRecord>, SocketAddressHash> endpoints_
      LB_GUARDED_BY(mutex_);
  model::TrafficPolicyPtr policy_ LB_GUARDED_BY(mutex_);  // the latest; for the sweep
  std::array<std::uint64_t, static_cast<std::size_t>(Ejection::kCount)> ejections_
      LB_GUARDED_BY(mutex_){};
  std::uint64_t held_back_ LB_GUARDED_BY(mutex_) = 0;
};

}  // namespace sluice::health
