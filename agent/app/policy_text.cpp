// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "agent/app/action_text.hpp"
#include "agent/app/duration_text.hpp"

namespace sluice::app {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

std::string text_of(const model::ConsistentHash& hash) {
  constexpr std::array<const char*, 4> kSources{"header", "cookie", "source address",
                                                "query parameter"};
  const bool maglev = hash.table == model::ConsistentHash::Table::kMaglev;
  return fmt::format("hash of {}{}{}, {} of {}",
                     kSources.at(static_cast<std::size_t>(hash.key.source)),
                     hash.key.name.empty() ? "" : " ", hash.key.name, maglev ? "maglev" : "ring",
                     maglev ? hash.table_size : hash.minimum_ring_size);
}

std::string text_of(const model::LoadBalancer& balancer) {
  constexpr std::array<const char*, 5> kKinds{"round robin", "least request", "random",
                                              "passthrough", "consistent hash"};
  if (balancer.hash) return text_of(*balancer.hash);
  return kKinds.at(static_cast<std::size_t>(balancer.kind));
}

std::string text_of(const model::LocalityPolicy& locality) {
  if (!locality.enabled) return "ignored";
  if (!locality.distribute.empty()) {
    return fmt::format("{} distributions", locality.distribute.size());
  }
  if (!locality.failover_priority.empty()) {
    return fmt::format("failover by {}", fmt::join(locality.failover_priority, ", "));
  }
  std::vector<std::string> regions;
  for (const auto& [from, to] : locality.failover) regions.push_back(from + " -> " + to);
  return regions.empty() ? "nearest first"
                         : fmt::format("nearest first, {}", fmt::join(regions, ", "));
}

std::string text_of(const model::OutlierDetection& outliers) {
  std::vector<std::string> after;
  const auto add = [&](std::uint32_t count, const char* what) {
    if (count > 0) after.push_back(fmt::format("{} {}", count, what));
  };
  add(outliers.consecutive_5xx_errors, "5xx");
  add(outliers.consecutive_gateway_errors, "gateway errors");
  if (outliers.split_external_local_origin_errors) {
    add(outliers.consecutive_local_origin_failures, "local failures");
  }
  return fmt::format("ejected for {} after {} in a row, looked at each {}; at most {} %",
                     duration_text(outliers.base_ejection_time), fmt::join(after, " or "),
                     duration_text(outliers.interval), outliers.max_ejection_percent) +
         (outliers.min_health_percent > 0
              ? fmt::format("; all are used below {} % healthy", outliers.min_health_percent)
              : std::string());
}

template <typename T>
void add_limit(Settings& out, const char* name, const std::optional<T>& limit) {
  if (limit) out.emplace_back(name, fmt::format("at most {}", *limit));
}

void add_pool(const model::ConnectionPool& pool, Settings& out) {
  static const model::ConnectionPool kDefault;
  add_limit(out, "connections", pool.max_connections);
  add_limit(out, "pending", pool.max_pending_requests);
  add_limit(out, "in flight", pool.max_requests);
  add_limit(out, "retries", pool.max_retries);
  if (pool.max_requests_per_connection > 0) {
    out.emplace_back("keep-alive",
                     fmt::format("{} requests a connection", pool.max_requests_per_connection));
  }
  const auto add = [&](const char* name, const std::optional<Milliseconds>& time) {
    if (time) out.emplace_back(name, duration_text(*time));
  };
  if (pool.connect_timeout != kDefault.connect_timeout) add("connect", pool.connect_timeout);
  add("idle", pool.http_idle_timeout);
  add("tcp idle", pool.tcp_idle_timeout);
  add("lifetime", pool.max_connection_duration);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> describe_policy(
    const model::TrafficPolicy& policy) {
  Settings out;
  out.emplace_back("balance", text_of(policy.load_balancer));
  if (policy.load_balancer.locality) {
    out.emplace_back("locality", text_of(*policy.load_balancer.locality));
  }
  if (policy.load_balancer.warmup) {
    out.emplace_back("warmup", fmt::format("{} from {:g} %",
                                           duration_text(policy.load_balancer.warmup->duration),
                                           policy.load_balancer.warmup->minimum_percent));
  }
  add_pool(policy.connection_pool, out);
  if (policy.outlier_detection) out.emplace_back("outliers", text_of(*policy.outlier_detection));
  if (policy.retry_budget) {
    out.emplace_back("retry budget",
                     fmt::format("{:g} % of requests, at least {}", policy.retry_budget->percent,
                                 policy.retry_budget->minimum_concurrency));
  }
  if (policy.proxy_protocol) {
    out.emplace_back("PROXY", fmt::format("version {}", static_cast<int>(*policy.proxy_protocol)));
  }
  return out;
}

}  // namespace sluice::app
