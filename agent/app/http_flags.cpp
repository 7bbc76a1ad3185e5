// SPDX-License-Identifier: Apache-2.0
#include "agent/app/http_flags.hpp"

#include <CLI/CLI.hpp>
#include <cmath>

#include "agent/http/syntax.hpp"

namespace sluice::app {
namespace {

constexpr char kReading[] = "Requests";
constexpr char kTimes[] = "Times and numbers";
constexpr char kAccessLog[] = "Access log";

}  // namespace

void HttpFlags::declare(CLI::App& app, HttpOptions& options) {
  declare_reading(app, options);
  declare_times(app, options);
  declare_access_log(app, options);
}

// NOLINTNEXTLINE(readability-function-size): a table
void HttpFlags::declare_reading(CLI::App& app, HttpOptions& o) {
  app.add_option("--desync-mode", desync_mode_,
                 "How strictly requests are read that other servers may read differently: monitor "
                 "only counts, defensive serves them apart or refuses them, strictest refuses all. "
                 "A Gateway overrides it by sluice.dev/desync-mode")
      ->envname("SLUICE_DESYNC_MODE")
      ->capture_default_str()
      ->check(CLI::IsMember({"monitor", "defensive", "strictest"}))
      ->group(kReading);
  app.add_option(
         "--underscore-headers", underscores_,
         "Header names with an underscore, which CGI takes for a dash: keep, drop or refuse "
         "the request")
      ->envname("SLUICE_UNDERSCORE_HEADERS")
      ->capture_default_str()
      ->check(CLI::IsMember({"keep", "drop", "refuse"}))
      ->group(kReading);
  app.add_option(
         "--path-normalization", normalization_,
         "The form in which paths are matched and forwarded, as Istio names them: none, "
         "base (dot segments), merge-slashes, decode-and-merge-slashes; auto = merge-slashes "
         "where a path decides something. A Gateway overrides it by "
         "sluice.dev/path-normalization")
      ->envname("SLUICE_PATH_NORMALIZATION")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "none", "base", "merge-slashes", "decode-and-merge-slashes"}))
      ->group(kReading);
  app.add_option("--trusted-hops", o.trusted_hops,
                 "Proxies of yours in front of this one, each of which appends to X-Forwarded-For; "
                 "0 = what clients say about themselves is overwritten")
      ->envname("SLUICE_TRUSTED_HOPS")
      ->capture_default_str()
      ->check(CLI::Range(0, 64))
      ->group(kReading);
  app.add_option("--via", o.via,
                 "Name this proxy in Via of requests (RFC 9110 7.6.3). Some servers then leave out "
                 "compression")
      ->envname("SLUICE_VIA")
      ->type_name("NAME")
      ->group(kReading);
  app.add_option("--server-header", o.server_header,
                 "Replace Server in every answer; default: it stays as the endpoint wrote it")
      ->envname("SLUICE_SERVER_HEADER")
      ->type_name("TEXT")
      ->group(kReading);
  app.add_option("--max-head-bytes", o.limits.head_bytes,
                 "Request line and headers together; a larger head gets 431")
      ->envname("SLUICE_MAX_HEAD_BYTES")
      ->capture_default_str()
      ->check(CLI::Range(1024, 1024 * 1024))
      ->group(kReading);
  app.add_option("--max-uri-bytes", o.limits.target_bytes, "A longer request target gets 414")
      ->envname("SLUICE_MAX_URI_BYTES")
      ->capture_default_str()
      ->check(CLI::Range(256, 1024 * 1024))
      ->group(kReading);
  app.add_option("--max-headers", o.limits.fields, "More headers get 431")
      ->envname("SLUICE_MAX_HEADERS")
      ->capture_default_str()
      ->check(CLI::Range(16, 10'000))
      ->group(kReading);
  app.add_option("--max-body-bytes", o.limits.body_bytes,
                 "A larger request body gets 413; 0 = no limit. With a limit no connection is "
                 "handed to the kernel. A Gateway overrides it by sluice.dev/max-body-bytes")
      ->envname("SLUICE_MAX_BODY_BYTES")
      ->capture_default_str()
      ->group(kReading);
}

void HttpFlags::declare_times(CLI::App& app, HttpOptions& o) {
  const auto seconds = [&app](const char* flag, const char* variable, std::uint32_t& value,
                              const char* help) {
    app.add_option(flag, value, help)
        ->envname(variable)
        ->capture_default_str()
        ->check(CLI::Range(1, 86'400))
        ->type_name("SECONDS")
        ->group(kTimes);
  };
  seconds("--head-timeout", "SLUICE_HEAD_TIMEOUT", o.head_seconds,
          "From the first byte of a request's head to its last; then 408");
  seconds("--idle-timeout", "SLUICE_IDLE_TIMEOUT", o.idle_seconds,
          "How long a client may keep a connection open without a request");
  seconds("--stream-timeout", "SLUICE_STREAM_TIMEOUT", o.stream_seconds,
          "How long a request may go without a byte in either direction; then 504, or the "
          "connection closes. The whole of a request is limited by a route's timeout");
  seconds("--upstream-idle-timeout", "SLUICE_UPSTREAM_IDLE_TIMEOUT", o.upstream_idle_seconds,
          "How long an unused connection to an endpoint is kept where no DestinationRule says so");
  app.add_option("--max-connections", o.max_connections,
                 "Client connections of each worker at most; Gateways limit their own by "
                 "sluice.dev/max-connections")
      ->envname("SLUICE_MAX_CONNECTIONS")
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000'000))
      ->group(kTimes);
}

void HttpFlags::declare_access_log(CLI::App& app, HttpOptions& o) {
  app.add_option("--access-log", o.access_log.target,
                 "Write a line for each request: off, stdout, or the path of a file, which is "
                 "opened anew after it was moved away, and on SIGHUP")
      ->envname("SLUICE_ACCESS_LOG")
      ->capture_default_str()
      ->type_name("off|stdout|PATH")
      ->group(kAccessLog);
  app.add_option("--access-log-format", access_log_format_, "text or json")
      ->envname("SLUICE_ACCESS_LOG_FORMAT")
      ->capture_default_str()
      ->check(CLI::IsMember({"text", "json"}))
      ->group(kAccessLog);
  app.add_option("--access-log-sample", o.access_log.sample,
                 "The share of requests that is written: 0.01 = every hundredth")
      ->envname("SLUICE_ACCESS_LOG_SAMPLE")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("FRACTION")
      ->group(kAccessLog);
  app.add_option("--access-log-granularity", access_log_granularity_,
                 "request = a line for every request, so that no connection is handed to the "
                 "kernel; connection = requests that the agent serves, and one line for each "
                 "connection that the kernel takes")
      ->envname("SLUICE_ACCESS_LOG_GRANULARITY")
      ->capture_default_str()
      ->check(CLI::IsMember({"request", "connection"}))
      ->group(kAccessLog);
}

std::string HttpFlags::interpret(HttpOptions& o) const {
  if (desync_mode_ == "monitor") o.desync_mode = model::DesyncMode::kMonitor;
  if (desync_mode_ == "strictest") o.desync_mode = model::DesyncMode::kStrictest;
  if (underscores_ == "drop") o.underscores = http::UnderscoreNames::kDrop;
  if (underscores_ == "refuse") o.underscores = http::UnderscoreNames::kRefuse;
  using model::PathNormalization;
  if (normalization_ == "none") o.path_normalization = PathNormalization::kNone;
  if (normalization_ == "base") o.path_normalization = PathNormalization::kBase;
  if (normalization_ == "merge-slashes") o.path_normalization = PathNormalization::kMergeSlashes;
  if (normalization_ == "decode-and-merge-slashes") {
    o.path_normalization = PathNormalization::kDecodeAndMergeSlashes;
  }
  o.access_log.json = access_log_format_ == "json";
  o.access_log.per_request = access_log_granularity_ == "request";
  if (!o.via.empty() && !http::is_token(o.via)) {
    return "--via: '" + o.via + "' is no name; write letters, digits, '-' and '.', as in edge-1";
  }
  if (!http::is_field_value(o.server_header)) {
    return "--server-header: the text has a control character; write printable text";
  }
  if (o.access_log.target.empty()) {
    return "--access-log: write off, stdout or the path of a file";
  }
  if (std::isnan(o.access_log.sample) || o.access_log.sample < 0 || o.access_log.sample > 1) {
    return "--access-log-sample: write a number from 0 to 1";
  }
  if (o.limits.target_bytes > o.limits.head_bytes) o.limits.target_bytes = o.limits.head_bytes;
  return {};
}

}  // namespace sluice::app
