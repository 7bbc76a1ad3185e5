// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/policy_pool.hpp"

#include <array>
#include <limits>

#include "agent/config/translate/choice.hpp"
#include "agent/config/translate/duration.hpp"
#include "agent/config/translate/number.hpp"

namespace sluice::config {
namespace {

constexpr std::int64_t kMostUint32 = std::numeric_limits<std::uint32_t>::max();

void set(std::uint32_t& out, std::optional<std::int64_t> value) {
  if (value) out = static_cast<std::uint32_t>(*value);
}

model::TcpKeepalive read_keepalive(const Located& located, Report& report) {
  Fields fields(*located.node, located.path, report);
  model::TcpKeepalive out;
  // What the kernel can keep: TCP_KEEPCNT up to 127, TCP_KEEPIDLE and TCP_KEEPINTVL in seconds.
  if (const auto probes = fields.integer("probes", 1, 127)) {
    out.probes = static_cast<std::uint32_t>(*probes);
  }
  out.time = read_duration(fields, "time", Milliseconds{1000});
  out.interval = read_duration(fields, "interval", Milliseconds{1000});
  fields.finish();
  return out;
}

void read_tcp(const Located& located, model::ConnectionPool& out, Report& report) {
  Fields fields(*located.node, located.path, report);
  out.max_connections = read_limit(fields, "maxConnections", "connections are not limited");
  out.connect_timeout = read_duration(fields, "connectTimeout").value_or(out.connect_timeout);
  if (const auto keepalive = fields.map("tcpKeepalive")) {
    out.keepalive = read_keepalive(*keepalive, report);
  }
  out.max_connection_duration = read_duration(fields, "maxConnectionDuration");
  out.tcp_idle_timeout = read_duration(fields, "idleTimeout", Milliseconds{0});
  fields.finish();
}

void read_http(const Located& located, model::ConnectionPool& out, Report& report) {
  Fields fields(*located.node, located.path, report);
  out.max_pending_requests =
      read_limit(fields, "http1MaxPendingRequests", "waiting requests are not limited");
  out.max_requests = read_limit(fields, "http2MaxRequests", "requests are not limited");
  set(out.max_requests_per_connection,
      fields.integer("maxRequestsPerConnection", 0, std::int64_t{1} << 29));
  out.max_retries = read_limit(fields, "maxRetries", "retries are not limited");
  out.http_idle_timeout = read_duration(fields, "idleTimeout", Milliseconds{0});
  static constexpr std::array<std::string_view, 3> kUpgrades{"DEFAULT", "DO_NOT_UPGRADE",
                                                             "UPGRADE"};
  const auto upgrade = fields.get("h2UpgradePolicy");
  if (read_choice(fields, "h2UpgradePolicy", kUpgrades) == std::size_t{2}) {
    report.unsupported(upgrade->key, upgrade->path, "endpoints are spoken to in HTTP/1.1");
  }
  static constexpr std::array<std::string_view, 3> kUnbuilt{
      "useClientProtocol", "maxConcurrentStreams", "http2KeepAlive"};
  fields.finish(kUnbuilt);
}

// A percentage of the API's int32 fields, in which 0 stands for "not set".
void read_max_ejection(Fields& fields, model::OutlierDetection& out) {
  const auto at = fields.get("maxEjectionPercent");
  const auto percent = fields.integer("maxEjectionPercent", 0, 100);
  if (!percent) return;
  if (*percent > 0) {
    out.max_ejection_percent = static_cast<std::uint32_t>(*percent);
    return;
  }
  fields.report().warning(at->node->mark, at->path, "no_effect",
                          "0 is as good as leaving it out: up to 10 % may be ejected",
                          "write a number from 1 to 100, or remove `outlierDetection`");
}

}  // namespace

model::ConnectionPool read_connection_pool(const Located& located, Report& report) {
  Fields fields(*located.node, located.path, report);
  model::ConnectionPool out;
  if (const auto tcp = fields.map("tcp")) read_tcp(*tcp, out, report);
  if (const auto http = fields.map("http")) read_http(*http, out, report);
  fields.finish();
  return out;
}

model::OutlierDetection read_outlier_detection(const Located& located, Report& report) {
  Fields fields(*located.node, located.path, report);
  model::OutlierDetection out;
  out.split_external_local_origin_errors =
      fields.boolean("splitExternalLocalOriginErrors").value_or(false);
  const auto local = fields.get("consecutiveLocalOriginFailures");
  set(out.consecutive_local_origin_failures,
      fields.integer("consecutiveLocalOriginFailures", 0, kMostUint32));
  if (local && !out.split_external_local_origin_errors) {
    report.warning(local->key, local->path, "no_effect",
                   "local failures are not counted apart from answers",
                   "add `splitExternalLocalOriginErrors: true`");
  }
  set(out.consecutive_gateway_errors, fields.integer("consecutiveGatewayErrors", 0, kMostUint32));
  set(out.consecutive_5xx_errors, fields.integer("consecutive5xxErrors", 0, kMostUint32));
  out.interval = read_duration(fields, "interval").value_or(out.interval);
  out.base_ejection_time =
      read_duration(fields, "baseEjectionTime").value_or(out.base_ejection_time);
  read_max_ejection(fields, out);
  set(out.min_health_percent, fields.integer("minHealthPercent", 0, 100));
  if (const auto old = fields.get("consecutiveErrors")) {
    report.unsupported(old->key, old->path,
                       "write `consecutiveGatewayErrors` or `consecutive5xxErrors`");
  }
  if (const auto codes = fields.get("outlierDetectionHttpErrorCodes")) {
    report.unsupported(codes->key, codes->path, "only answers from 500 up count as errors");
  }
  fields.finish();
  return out;
}

}  // namespace sluice::config
