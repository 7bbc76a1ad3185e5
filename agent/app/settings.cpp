// SPDX-License-Identifier: Apache-2.0
#include "agent/app/settings.hpp"

#include "agent/proxy/h1_options.hpp"

namespace sluice::app {
namespace {

// A flag whose setting acts on every request; "" when there is none.
std::string request_flag(const HttpOptions& options) {
  if (options.limits.body_bytes > 0) return "--max-body-bytes: every body is counted";
  if (options.underscores != http::UnderscoreNames::kKeep) {
    return "--underscore-headers: the names of every request are looked at";
  }
  return {};
}

}  // namespace

void apply(const HttpOptions& from, proxy::WorkerOptions& to) {
  to.http.limits = from.limits;
  to.http.mode = proxy::h1_mode(from.desync_mode);
  to.http.underscores = from.underscores;
  to.trust.hops = from.trusted_hops;
  to.via = from.via;
  to.server_header = from.server_header;
  to.head_timeout = std::chrono::seconds(from.head_seconds);
  to.idle_timeout = std::chrono::seconds(from.idle_seconds);
  to.stream_timeout = std::chrono::seconds(from.stream_seconds);
  to.upstream_idle_timeout = std::chrono::seconds(from.upstream_idle_seconds);
  to.max_connections = from.max_connections;
}

void apply(const HttpOptions& from, snapshot::BuildOptions& to) {
  to.path_normalization = from.path_normalization;
  to.desync_mode = from.desync_mode;
  to.request_flag = request_flag(from);
  to.access_log_per_request = from.access_log.enabled() && from.access_log.per_request;
}

}  // namespace sluice::app
