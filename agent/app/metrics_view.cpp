// SPDX-License-Identifier: Apache-2.0
#include "agent/app/metrics_view.hpp"

#include "agent/app/cluster_view.hpp"
#include "agent/app/metrics_parts.hpp"

namespace sluice::app {
namespace {

void add_app(const MetricsInput& input, Families& out) {
  out.gauge("sluice_app_build_info", "Always 1; the version is a label.")
      .sample({{"version", input.version}}, 1);
  out.gauge("sluice_app_start_timestamp_seconds", "When this agent process started, Unix time.")
      .sample({}, input.start_time_seconds);
  out.gauge("sluice_app_resident_bytes", "Memory of the agent process that is in RAM.")
      .sample({}, input.resident_bytes);
  out.gauge("sluice_app_workers_silent",
            "Workers that did not answer this scrape in time; theirs are the values before.")
      .sample({}, input.workers_silent);
}

void add_config(const MetricsInput& input, Families& out) {
  const ConfigCounts& config = input.config;
  out.gauge("sluice_config_objects",
            "Configuration objects by whether their newest version is in force.")
      .sample({{"state", "in_force"}}, config.objects)
      .sample({{"state", "rejected"}}, config.rejected);
  out.gauge("sluice_config_diagnostics",
            "What is wrong with the configuration now; lbctl status shows each.")
      .sample({{"severity", "error"}}, config.errors)
      .sample({{"severity", "warning"}}, config.warnings)
      .sample({{"severity", "unsupported"}}, config.unsupported);
  out.counter("sluice_config_loads_total", "How often the configuration was read.")
      .sample({}, config.loads_total);
  out.counter("sluice_config_rejects_total",
              "Reads after which something was rejected and its last good version stayed.")
      .sample({}, config.rejects_total);
  out.gauge("sluice_config_last_success_timestamp_seconds",
            "Last read without a reject, Unix time; 0 = never.")
      .sample({}, config.last_success_seconds);
}

void add_access_log(const MetricsInput& input, Families& out) {
  out.counter("sluice_telemetry_access_log_lines_total",
              "Lines of the access log by what became of them.");
  if (!input.access_log) return;
  out.sample({{"outcome", "written"}}, input.access_log->written)
      .sample({{"outcome", "dropped"}}, input.access_log->dropped)
      .sample({{"outcome", "failed"}}, input.access_log->failed);
}

}  // namespace

std::vector<telemetry::Family> metrics_view(const MetricsInput& input) {
  Families out;
  add_app(input, out);
  add_config(input, out);
  add_cluster(input.cluster, out);
  add_member(input.member, out);
  add_snapshot(input, out);
  add_proxy(input, out);
  add_health(input, out);
  add_steer(input, out);
  add_datapath(input, out);
  add_access_log(input, out);
  return out.take();
}

}  // namespace sluice::app
