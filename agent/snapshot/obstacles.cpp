// SPDX-License-Identifier: Apache-2.0
#include "agent/snapshot/obstacles.hpp"

#include <algorithm>

namespace sluice::snapshot {
namespace {

struct Finding {
  bool present = false;
  const char* code = "";
  const char* field = "";  // below the origin's path
  const char* what = "";   // predicate of the sentence
};

model::Origin below(model::Origin origin, const std::string& field) {
  if (!field.empty() && !origin.path.empty()) origin.path = origin.path.str() + "." + field;
  return origin;
}

template <typename Findings>
std::optional<Obstacle> first_of(const Findings& findings, const std::string& name,
                                 const model::Origin& origin) {
  const auto found =
      std::ranges::find_if(findings, [](const Finding& finding) { return finding.present; });
  if (found == std::end(findings)) return std::nullopt;
  return Obstacle{found->code, name + " " + found->what + ": the agent must see every request",
                  below(origin, found->field)};
}

// Connections are taken back when they are that old. With less it would pay for nobody.
constexpr Milliseconds kShortestLife{1'000};

// Resets, silence and failures to connect show in both tiers, the status of an answer in one.
bool counts_answers(const model::TrafficPolicy& policy) {
  const auto& detection = policy.outlier_detection;
  return detection &&
         (detection->consecutive_5xx_errors > 0 || detection->consecutive_gateway_errors > 0);
}

bool has_headers(const model::HeaderRulesPtr& rules) { return rules && !rules->empty(); }

}  // namespace

bool acts_on_requests(const model::Route& route) {
  return route.cors || route.fault || route.redirect || route.direct_response || route.rewrite ||
         has_headers(route.headers) || route.timeout ||
         (route.retries && route.retries->attempts > 0) || !route.mirrors.empty() ||
         std::ranges::any_of(route.destinations, [](const model::WeightedDestination& destination) {
           return has_headers(destination.headers);
         });
}

std::optional<Obstacle> route_obstacle(const model::Route& route, const std::string& name) {
  const Finding findings[] = {
      {route.cors.has_value(), "cors", "corsPolicy", "has a CORS policy"},
      {route.fault.has_value(), "fault", "fault", "injects faults"},
      {route.redirect.has_value(), "redirect", "redirect", "redirects"},
      {route.direct_response.has_value(), "direct_response", "directResponse", "answers by itself"},
      {route.rewrite.has_value(), "rewrite", "rewrite", "rewrites the path or the authority"},
      {has_headers(route.headers), "headers", "headers", "changes headers"},
      {route.timeout.has_value(), "timeout", "timeout", "has a timeout"},
      // Retries that nobody asked for end with the connection to the endpoint, which the agent makes itself.
      {route.retries && route.retries->attempts > 0, "retries", "retries", "has retries"},
  };
  if (auto found = first_of(findings, name, route.origin)) return found;
  for (const model::Mirror& mirror : route.mirrors) {
    return Obstacle{"mirror", name + " mirrors requests: the agent must see every request",
                    mirror.origin};
  }
  for (const model::WeightedDestination& destination : route.destinations) {
    if (!has_headers(destination.headers)) continue;
    return Obstacle{
        "headers",
        "a destination of " + name + " changes headers: the agent must see every request",
        below(destination.origin, "headers")};
  }
  return std::nullopt;
}

std::optional<Obstacle> cluster_obstacle(const model::Cluster& cluster) {
  const model::TrafficPolicy& policy = *cluster.policy;
  const model::ConnectionPool& pool = policy.connection_pool;
  const Finding findings[] = {
      {policy.load_balancer.kind == model::LoadBalancer::Kind::kConsistentHash, "consistent_hash",
       "loadBalancer.consistentHash", "is balanced by a hash of the request"},
      {pool.max_requests.has_value(), "max_requests", "connectionPool.http.http2MaxRequests",
       "limits requests in flight"},
      {pool.max_pending_requests.has_value(), "max_pending_requests",
       "connectionPool.http.http1MaxPendingRequests", "limits pending requests"},
      {pool.max_requests_per_connection > 0, "max_requests_per_connection",
       "connectionPool.http.maxRequestsPerConnection", "limits the requests of a connection"},
      {pool.max_connections.has_value(), "max_connections", "connectionPool.tcp.maxConnections",
       "limits connections"},
      {pool.max_connection_duration && *pool.max_connection_duration < kShortestLife,
       "max_connection_duration", "connectionPool.tcp.maxConnectionDuration",
       "lets a connection live for less than a second"},
      {counts_answers(policy), "outlier_detection", "outlierDetection",
       "is watched by outlier detection, which counts answers with 5xx"},
      {policy.proxy_protocol.has_value(), "upstream_proxy_protocol", "proxyProtocol",
       "gets a PROXY header on each connection"},
  };
  return first_of(findings, "cluster " + cluster.key, policy.origin);
}

}  // namespace sluice::snapshot
