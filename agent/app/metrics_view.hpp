// SPDX-License-Identifier: Apache-2.0
// Everything the agent exports to Prometheus, from plain inputs collected at scrape time. Every family and every reason
// has a row in docs/operations.md (held by a test). Pure. Thread: any.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/cluster/member.hpp"
#include "agent/config/source/kube_source.hpp"
#include "agent/datapath/datapath.hpp"
#include "agent/health/cluster_record.hpp"
#include "agent/proxy/worker_report.hpp"
#include "agent/snapshot/snapshot.hpp"
#include "agent/telemetry/access_log.hpp"
#include "agent/telemetry/metrics.hpp"

namespace sluice::app {

struct ConfigCounts {
  std::uint32_t objects = 0;   // in force
  std::uint32_t rejected = 0;  // whose newest version is not in force
  std::uint32_t errors = 0;    // diagnostics by severity
  std::uint32_t warnings = 0;
  std::uint32_t unsupported = 0;
  std::uint64_t loads_total = 0;  // times the source was read
  std::uint64_t rejects_total =
      0;  // loads after which at least one object, or the whole snapshot, was rejected
  double last_success_seconds = 0;  // Unix time of the last load without a reject; 0 = never
};

struct KernelCounts {
  std::array<std::uint64_t, LB_COUNTER_MAX> counters{};
  std::vector<datapath::MapFill> maps;
  std::vector<datapath::InterfaceStatus> interfaces;
  std::map<std::uint64_t, lb_first_byte> first_bytes;  // by cluster_hash() of Cluster::key
};

struct MetricsInput {
  std::string version;
  std::uint64_t resident_bytes = 0;
  double start_time_seconds = 0;  // Unix time
  ConfigCounts config;
  std::optional<config::KubeStatus> cluster;    // absent with a directory
  std::optional<cluster::MemberStatus> member;  // with it
  snapshot::SnapshotPtr snapshot;               // null before the first generation
  // One a worker, in any order. Of a worker that does not answer give the report before: a counter that vanishes from a
  // sum looks like a restart to Prometheus.
  std::vector<proxy::WorkerReport> workers;
  std::uint32_t workers_silent = 0;    // that did not answer this time
  std::optional<KernelCounts> kernel;  // absent without a kernel path
  std::optional<telemetry::AccessLogState> access_log;
  std::vector<health::ClusterView> health;
  std::map<std::string, std::uint32_t> listener_connections;  // by listener name
};

// Always the same families in the same order; those without samples now are there with none.
[[nodiscard]] std::vector<telemetry::Family> metrics_view(const MetricsInput& input);

}  // namespace sluice::app
