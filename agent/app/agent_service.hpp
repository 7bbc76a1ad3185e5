// SPDX-License-Identifier: Apache-2.0
// AgentService: answers lbctl and the admin listener: gathers a consistent picture on main and from workers, then
// lets the pure views render it. Thread: any; each call waits for main and workers for at most kPatience.
#pragma once
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/app/config_feed.hpp"
#include "agent/app/flow_feed.hpp"
#include "agent/app/kernel_path.hpp"
#include "agent/app/listener_retry.hpp"
#include "agent/app/options.hpp"
#include "agent/app/update_pipeline.hpp"
#include "agent/base/thread_role.hpp"
#include "agent/control/agent_api.hpp"
#include "agent/datapath/preflight.hpp"
#include "agent/health/registry.hpp"
#include "agent/net/reactor.hpp"
#include "agent/proxy/worker.hpp"
#include "agent/telemetry/access_log.hpp"

namespace sluice::app {

class AgentService final : public control::AgentApi {
 public:
  AgentService(const Options& options, net::Reactor& main,
               const std::vector<std::unique_ptr<proxy::Worker>>& workers,
               const UpdatePipeline& pipeline, KernelPath* kernel,
               const datapath::PreflightReport& preflight,
               const telemetry::AccessLog* access_log,  // null: off
               std::shared_ptr<proxy::ListenerLoads> listener_loads,
               std::shared_ptr<health::Registry> health, const ListenerRetry& listener_retry);

  Result<control::v1::StatusReply> status() override;
  Result<control::v1::RoutesReply> routes() override;
  Result<control::v1::FlowsReply> flows(const control::v1::FlowsRequest& request) override;
  Result<control::v1::ExplainReply> explain(const control::v1::ExplainRequest& request) override;
  Result<control::v1::MoveFlowsReply> move_flows(
      const control::v1::MoveFlowsRequest& request) override;
  Result<control::v1::FlowEventsReply> flow_events(
      const control::v1::FlowEventsRequest& request) override;

  [[nodiscard]] std::string metrics();
  [[nodiscard]] std::string health();  // empty = fine
  [[nodiscard]] std::string ready();
  // Thread: main.
  void use_kernel_path(KernelPath* kernel) { kernel_ = kernel; }
  // Before any call of others; outlives this.
  void use_feed(const ConfigFeed* feed) { feed_ = feed; }
  void use_flow_feed(FlowFeed* feed) { flow_feed_ = feed; }
  void begin_drain() { draining_ = true; }

 private:
  // What only main may read, copied on main.
  struct Picture {
    snapshot::SnapshotPtr snapshot;
    ConfigState config;
    std::map<std::string, std::string> listener_errors;
    std::optional<Milliseconds> listener_retry;
    std::vector<datapath::InterfaceStatus> interfaces;
    std::vector<datapath::MapFill> maps;
    std::optional<std::array<std::uint64_t, LB_COUNTER_MAX>> counters;
    std::map<std::uint64_t, lb_first_byte> first_bytes;
  };
  [[nodiscard]] Result<Picture> picture();
  [[nodiscard]] std::vector<proxy::WorkerReport> reports() const;
  // Of a worker that does not answer, the report before: a counter that vanishes looks like a restart to Prometheus.
  [[nodiscard]] std::vector<proxy::WorkerReport> remembered_reports(std::uint32_t& silent);

  const Options& options_;
  net::Reactor& main_;
  const std::vector<std::unique_ptr<proxy::Worker>>& workers_;
  const UpdatePipeline& pipeline_;
  const ConfigFeed* feed_ = nullptr;
  FlowFeed* flow_feed_ = nullptr;
  std::atomic<KernelPath*> kernel_;  // set on main, read by control's threads
  std::atomic<bool> draining_{false};
  const datapath::PreflightReport& preflight_;
  const telemetry::AccessLog* access_log_;
  std::shared_ptr<proxy::ListenerLoads> listener_loads_;
  std::shared_ptr<health::Registry> health_;
  const ListenerRetry& listener_retry_;  // main's
  std::chrono::steady_clock::time_point started_;
  double started_unix_;
  Mutex mutex_;
  std::vector<proxy::WorkerReport> last_reports_ LB_GUARDED_BY(mutex_);
};

}  // namespace sluice::app
