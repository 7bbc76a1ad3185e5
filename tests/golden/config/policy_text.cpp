// SPDX-License-Identifier: Apache-2.0
#include "tests/golden/config/policy_text.hpp"

#include <fmt/format.h>

#include <optional>
#include <vector>

#include "tests/golden/config/route_text.hpp"

namespace sluice::config {
namespace {

constexpr const char* kKinds[] = {"round robin", "least request", "random", "passthrough",
                                  "consistent hash"};
constexpr const char* kSources[] = {"header", "cookie", "source ip", "query parameter"};

using Parts = std::vector<std::string>;

void add(Parts& parts, const char* name, const std::optional<Milliseconds>& time) {
  if (time) parts.push_back(fmt::format("{} {} ms", name, time->count()));
}

void add(Parts& parts, const char* name, const std::optional<std::uint32_t>& number) {
  if (number) parts.push_back(fmt::format("{} {}", name, *number));
}

void add_line(std::string& out, const char* name, const Parts& parts) {
  out += fmt::format("  {} {}\n", name, fmt::join(parts, ", "));
}

std::string hash_text(const model::ConsistentHash& hash) {
  Parts parts{fmt::format("{}{}{}", kSources[static_cast<int>(hash.key.source)],
                          hash.key.name.empty() ? "" : " ", hash.key.name)};
  add(parts, "ttl", hash.key.ttl);
  if (!hash.key.path.empty()) parts.push_back("path " + hash.key.path);
  for (const auto& [name, value] : hash.key.attributes) {
    parts.push_back(fmt::format("{}{}{}", name, value.empty() ? "" : "=", value));
  }
  parts.push_back(hash.table == model::ConsistentHash::Table::kRing
                      ? fmt::format("ring {}", hash.minimum_ring_size)
                      : fmt::format("maglev {}", hash.table_size));
  return fmt::format("{}", fmt::join(parts, ", "));
}

void add_locality(std::string& out, const model::LocalityPolicy& locality) {
  if (!locality.enabled) out += "  locality disabled\n";
  for (const auto& rule : locality.distribute) {
    Parts parts;
    for (const auto& [place, share] : rule.to) {
      parts.push_back(fmt::format("{} % {}", share, locality_text(place)));
    }
    out += fmt::format("  distribute from {} to {}\n", locality_text(rule.from),
                       fmt::join(parts, ", "));
  }
  for (const auto& [from, to] : locality.failover) {
    out += fmt::format("  failover from {} to {}\n", from, to);
  }
  if (!locality.failover_priority.empty()) {
    out += fmt::format("  failover by {}\n", fmt::join(locality.failover_priority, ", "));
  }
}

void add_balancer(std::string& out, const model::LoadBalancer& balancer) {
  out += fmt::format("  balance {}{}{}\n", kKinds[static_cast<int>(balancer.kind)],
                     balancer.hash ? " " : "", balancer.hash ? hash_text(*balancer.hash) : "");
  if (balancer.locality) add_locality(out, *balancer.locality);
  if (balancer.warmup) {
    out += fmt::format("  warmup {} ms from {:g} %, aggression {:g}\n",
                       balancer.warmup->duration.count(), balancer.warmup->minimum_percent,
                       balancer.warmup->aggression);
  }
}

void add_pool(std::string& out, const model::ConnectionPool& pool) {
  Parts parts;
  add(parts, "connections", pool.max_connections);
  add(parts, "connect timeout", std::optional(pool.connect_timeout));
  if (pool.keepalive) {
    parts.emplace_back("keepalive");
    add(parts, "probes", pool.keepalive->probes);
    add(parts, "time", pool.keepalive->time);
    add(parts, "interval", pool.keepalive->interval);
  }
  add(parts, "duration", pool.max_connection_duration);
  add(parts, "tcp idle", pool.tcp_idle_timeout);
  add(parts, "pending", pool.max_pending_requests);
  add(parts, "requests", pool.max_requests);
  add(parts, "requests a connection", std::optional(pool.max_requests_per_connection));
  add(parts, "retries", pool.max_retries);
  add(parts, "http idle", pool.http_idle_timeout);
  add_line(out, "pool", parts);
}

void add_outliers(std::string& out, const model::OutlierDetection& outliers) {
  Parts parts;
  if (outliers.split_external_local_origin_errors) parts.emplace_back("split");
  add(parts, "local", std::optional(outliers.consecutive_local_origin_failures));
  add(parts, "gateway", std::optional(outliers.consecutive_gateway_errors));
  add(parts, "5xx", std::optional(outliers.consecutive_5xx_errors));
  add(parts, "interval", std::optional(outliers.interval));
  add(parts, "ejection", std::optional(outliers.base_ejection_time));
  parts.push_back(fmt::format("at most {} %", outliers.max_ejection_percent));
  parts.push_back(fmt::format("panic below {} %", outliers.min_health_percent));
  add_line(out, "outliers", parts);
}

}  // namespace

std::string locality_text(const model::Locality& locality) {
  std::string out = locality.region;
  if (!locality.zone.empty()) out += "/" + locality.zone.str();
  if (!locality.subzone.empty()) out += "/" + locality.subzone.str();
  return out;
}

std::string policy_text(const model::TrafficPolicy& policy, const std::string& prefix) {
  if (policy.same_as(*model::default_policy())) return {};
  std::string out =
      fmt::format("  policy ({} {})\n", place_text(policy.origin, prefix), policy.origin.path);
  if (policy.load_balancer != model::LoadBalancer{}) add_balancer(out, policy.load_balancer);
  if (policy.connection_pool != model::ConnectionPool{}) add_pool(out, policy.connection_pool);
  if (policy.outlier_detection) add_outliers(out, *policy.outlier_detection);
  if (policy.retry_budget) {
    out += fmt::format("  retry budget {:g} %, at least {}\n", policy.retry_budget->percent,
                       policy.retry_budget->minimum_concurrency);
  }
  if (policy.proxy_protocol) out += fmt::format("  proxy protocol {}\n", *policy.proxy_protocol);
  return out;
}

}  // namespace sluice::config
