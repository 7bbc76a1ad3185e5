// SPDX-License-Identifier: Apache-2.0
// TrafficPolicy: how a cluster's endpoints are chosen, limited, watched and spoken to (Istio DestinationRule
// trafficPolicy, with subset and port overrides applied). Plain values. Thread: any.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/clock.hpp"
#include "agent/model/locality.hpp"
#include "agent/model/origin.hpp"

namespace sluice::model {

// Where the key of consistent hashing comes from. A request without it is spread as by kRandom, except that a cookie
// with a ttl is made and set.
struct HashKey {
  enum class Source : std::uint8_t { kHeader, kCookie, kSourceIp, kQueryParameter };
  Source source = Source::kSourceIp;
  std::string name;  // of the header (lower case), cookie or parameter
  // Cookies: with a ttl the answer sets it when the request has none; 0 = a session cookie.
  std::optional<Milliseconds> ttl;
  std::string path;
  std::vector<std::pair<std::string, std::string>>
      attributes;  // {"SameSite", "Strict"}, {"Secure", ""}

  bool operator==(const HashKey&) const = default;
};

struct ConsistentHash {
  enum class Table : std::uint8_t { kRing, kMaglev };
  HashKey key;
  Table table = Table::kRing;
  std::uint64_t minimum_ring_size = 1024;
  std::uint64_t table_size = 65537;  // Maglev; a prime

  bool operator==(const ConsistentHash&) const = default;
};

struct LocalityPolicy {
  struct Distribute {
    Locality from;                                       // "*" or "" = any
    std::vector<std::pair<Locality, std::uint32_t>> to;  // shares, summing to 100
    bool operator==(const Distribute&) const = default;
  };
  bool enabled = true;
  std::vector<Distribute> distribute;
  std::vector<std::pair<std::string, std::string>> failover;  // region -> region
  std::vector<std::string> failover_priority;                 // "label" or "label=value"

  bool operator==(const LocalityPolicy&) const = default;
};

// Slow start of endpoints that became ready.
struct Warmup {
  Milliseconds duration{0};
  double minimum_percent = 10;  // of its weight at the start
  double aggression = 1;        // the growth is time^(1/aggression)

  bool operator==(const Warmup&) const = default;
};

struct LoadBalancer {
  enum class Kind : std::uint8_t {
    kRoundRobin,
    kLeastRequest,
    kRandom,
    kPassthrough,
    kConsistentHash
  };
  Kind kind = Kind::kLeastRequest;
  std::optional<ConsistentHash> hash;  // with kConsistentHash
  std::optional<LocalityPolicy> locality;
  std::optional<Warmup> warmup;

  bool operator==(const LoadBalancer&) const = default;
};

struct TcpKeepalive {
  std::optional<std::uint32_t> probes;
  std::optional<Milliseconds> time;
  std::optional<Milliseconds> interval;

  bool operator==(const TcpKeepalive&) const = default;
};

// Limits hold for the whole agent. Unset = none, but for the connect timeout and the idle timeouts.
struct ConnectionPool {
  std::optional<std::uint32_t> max_connections;  // tcp.maxConnections
  Milliseconds connect_timeout{10'000};          // tcp.connectTimeout
  std::optional<TcpKeepalive> keepalive;         // tcp.tcpKeepalive
  std::optional<Milliseconds> max_connection_duration;
  std::optional<Milliseconds> tcp_idle_timeout;  // tcp.idleTimeout, of TCP routes
  std::optional<std::uint32_t>
      max_pending_requests;  // http.http1MaxPendingRequests: waiting for a connection
  std::optional<std::uint32_t> max_requests;      // http.http2MaxRequests: in flight
  std::uint32_t max_requests_per_connection = 0;  // 0 = unlimited, 1 = no keep-alive
  std::optional<std::uint32_t> max_retries;       // in flight
  std::optional<Milliseconds> http_idle_timeout;  // of pooled connections

  bool operator==(const ConnectionPool&) const = default;
};

struct OutlierDetection {
  bool split_external_local_origin_errors = false;
  std::uint32_t consecutive_local_origin_failures = 5;
  std::uint32_t consecutive_gateway_errors = 0;  // 0 = off
  std::uint32_t consecutive_5xx_errors = 5;      // 0 = off
  Milliseconds interval{10'000};
  Milliseconds base_ejection_time{30'000};
  std::uint32_t max_ejection_percent = 10;
  std::uint32_t min_health_percent = 0;  // below it all endpoints are used, ejected or not

  bool operator==(const OutlierDetection&) const = default;
};

// At most `percent` of the requests in flight may be retries, but always `minimum_concurrency`.
struct RetryBudget {
  double percent = 20;
  std::uint32_t minimum_concurrency = 3;

  bool operator==(const RetryBudget&) const = default;
};

struct TrafficPolicy {
  LoadBalancer load_balancer;
  ConnectionPool connection_pool;
  std::optional<OutlierDetection> outlier_detection;
  std::optional<RetryBudget> retry_budget;
  std::optional<std::uint8_t> proxy_protocol;  // 1 or 2: sent ahead of each upstream connection
  Origin origin;  // of the trafficPolicy that says most; empty = defaults

  // Origins are not compared: equal policies act alike.
  [[nodiscard]] bool same_as(const TrafficPolicy& other) const;
};
using TrafficPolicyPtr = std::shared_ptr<const TrafficPolicy>;
// The policy of a cluster that no DestinationRule speaks of; one object.
[[nodiscard]] const TrafficPolicyPtr& default_policy();

}  // namespace sluice::model
