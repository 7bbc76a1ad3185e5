// SPDX-License-Identifier: Apache-2.0
#include "agent/app/agent_service.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <future>

#include "agent/app/flow_filter.hpp"
#include "agent/app/metrics_view.hpp"
#include "agent/app/settings.hpp"
#include "agent/app/status_view.hpp"
#include "agent/app/version.hpp"
#include "agent/telemetry/metrics.hpp"

namespace sluice::app {
namespace {

constexpr Milliseconds kPatience{1'000};    // of one call, for main and for all workers together
constexpr Milliseconds kLeastPatience{20};  // with each further worker once that is used up

// How long to wait for the next worker: a hung one must not cost the others their turn, nor the caller a second each.
class Patience {
 public:
  [[nodiscard]] Milliseconds left() const {
    const auto spent = std::chrono::steady_clock::now() - started_;
    return std::max(kLeastPatience, std::chrono::duration_cast<Milliseconds>(kPatience - spent));
  }

 private:
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

ConfigCounts count(const ConfigState& state) {
  ConfigCounts counts;
  counts.objects = state.objects;
  counts.rejected = state.rejected;
  for (const model::Diagnostic& diagnostic : state.diagnostics) {
    switch (diagnostic.severity) {
      case model::Severity::kError:
        ++counts.errors;
        break;
      case model::Severity::kWarning:
        ++counts.warnings;
        break;
      case model::Severity::kUnsupported:
        ++counts.unsupported;
        break;
    }
  }
  counts.loads_total = state.reloads;
  counts.rejects_total = state.rejects_total;
  counts.last_success_seconds = static_cast<double>(state.last_success_unix);
  return counts;
}

double unix_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

AgentService::AgentService(const Options& options, net::Reactor& main,
                           const std::vector<std::unique_ptr<proxy::Worker>>& workers,
                           const UpdatePipeline& pipeline, KernelPath* kernel,
                           const datapath::PreflightReport& preflight,
                           const telemetry::AccessLog* access_log,
                           std::shared_ptr<proxy::ListenerLoads> listener_loads,
                           std::shared_ptr<health::Registry> health,
                           const ListenerRetry& listener_retry)
    : options_(options),
      main_(main),
      workers_(workers),
      pipeline_(pipeline),
      kernel_(kernel),
      preflight_(preflight),
      access_log_(access_log),
      listener_loads_(std::move(listener_loads)),
      health_(std::move(health)),
      listener_retry_(listener_retry),
      started_(std::chrono::steady_clock::now()),
      started_unix_(unix_now()) {}

Result<AgentService::Picture> AgentService::picture() {
  // Shared with the task: should main be late, it still has somewhere to write.
  auto promise = std::make_shared<std::promise<Picture>>();
  auto future = promise->get_future();
  const bool posted = main_.post([this, promise] {
    Picture picture;
    picture.snapshot = pipeline_.current();
    picture.config = pipeline_.state();
    picture.listener_errors = pipeline_.listener_errors();
    picture.listener_retry = listener_retry_.due();
    if (const KernelPath* const kernel = kernel_) {
      picture.interfaces = kernel->datapath().interfaces();
      picture.maps = kernel->datapath().map_fill();
      picture.counters = kernel->datapath().counters();
      picture.first_bytes = kernel->datapath().first_bytes();
    }
    promise->set_value(std::move(picture));
  });
  if (!posted || future.wait_for(kPatience) != std::future_status::ready) {
    return fail(ErrorCode::kUnavailable,
                "the agent's main thread does not answer; it is busy or stopping");
  }
  return future.get();
}

std::vector<proxy::WorkerReport> AgentService::reports() const {
  std::vector<proxy::WorkerReport> out;
  const Patience patience;
  for (const auto& worker : workers_) {
    if (auto report = worker->report(patience.left())) out.push_back(std::move(*report));
  }
  return out;
}

std::vector<proxy::WorkerReport> AgentService::remembered_reports(std::uint32_t& silent) {
  std::vector<std::optional<proxy::WorkerReport>> fresh;
  const Patience patience;
  for (const auto& worker : workers_) fresh.push_back(worker->report(patience.left()));
  MutexLock lock(mutex_);
  last_reports_.resize(workers_.size());
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    if (fresh[i]) {
      last_reports_[i] = std::move(*fresh[i]);
    } else {
      ++silent;
    }
  }
  return last_reports_;
}

Result<control::v1::StatusReply> AgentService::status() {
  auto now = picture();
  if (!now) return tl::unexpected(now.error());
  StatusInput input;
  input.version = kVersion;
  input.node = options_.node_name;
  input.uptime_seconds = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_)
          .count());
  input.config_source = options_.config_directory;
  if (feed_ != nullptr) {
    input.cluster = feed_->kube_status();
    input.member = feed_->member_status();
  }
  input.objects = now->config.objects;
  input.objects_rejected = now->config.rejected;
  input.diagnostics = std::move(now->config.diagnostics);
  input.snapshot = std::move(now->snapshot);
  input.listener_errors = std::move(now->listener_errors);
  input.listener_retry = now->listener_retry;
  input.listener_connections = listener_loads_->counts();
  input.listener_defaults = {options_.http.desync_mode, options_.http.limits.body_bytes};
  input.workers = reports();
  input.health = health_->views();
  input.interfaces = std::move(now->interfaces);
  input.maps = std::move(now->maps);
  input.probes = preflight_.probes;
  input.kernel_path = kernel_.load() != nullptr;
  input.kernel_reason = preflight_.reason;
  input.resident_bytes = resident_bytes();
  if (access_log_ != nullptr) {
    input.access_log = {access_log_->settings(), options_.http.access_log.per_request,
                        access_log_->state()};
  }
  return status_view(input);
}

Result<control::v1::RoutesReply> AgentService::routes() {
  auto now = picture();
  if (!now) return tl::unexpected(now.error());
  return routes_view(now->snapshot, reports());
}

Result<control::v1::FlowsReply> AgentService::flows(const control::v1::FlowsRequest& request) {
  KernelPath* const kernel = kernel_;
  if (kernel == nullptr) return control::v1::FlowsReply{};
  auto now = picture();
  if (!now) return tl::unexpected(now.error());
  return flows_view(kernel->slots(), request.limit(), std::chrono::steady_clock::now(), started_,
                    now->snapshot);
}

Result<control::v1::ExplainReply> AgentService::explain(
    const control::v1::ExplainRequest& request) {
  auto now = picture();
  if (!now) return tl::unexpected(now.error());
  proxy::WorkerOptions defaults;
  apply(options_.http, defaults);
  return explain_view(request, {.snapshot = std::move(now->snapshot),
                                .workers = reports(),
                                .health = health_->views(),
                                .http = defaults.http});
}

Result<control::v1::MoveFlowsReply> AgentService::move_flows(
    const control::v1::MoveFlowsRequest& request) {
  auto wanted = flow_filter(request);
  if (!wanted) return tl::unexpected(wanted.error());
  control::v1::MoveFlowsReply reply;
  const Patience patience;
  for (const auto& worker : workers_) {
    if (const auto asked = worker->take_back(*wanted, patience.left())) {
      reply.set_asked(reply.asked() + *asked);
    } else {
      reply.set_workers_silent(reply.workers_silent() + 1);
    }
  }
  return reply;
}

Result<control::v1::FlowEventsReply> AgentService::flow_events(
    const control::v1::FlowEventsRequest& request) {
  return flow_feed_->since(request.after());
}

std::string AgentService::metrics() {
  auto now = picture();
  if (!now) return "# " + now.error().message + "\n";
  MetricsInput input;
  input.version = kVersion;
  input.resident_bytes = resident_bytes();
  input.start_time_seconds = started_unix_;
  input.config = count(now->config);
  if (feed_ != nullptr) {
    input.cluster = feed_->kube_status();
    input.member = feed_->member_status();
  }
  input.snapshot = std::move(now->snapshot);
  input.workers = remembered_reports(input.workers_silent);
  input.health = health_->views();
  if (access_log_ != nullptr) input.access_log = access_log_->state();
  input.listener_connections = listener_loads_->counts();
  if (now->counters) {
    input.kernel = KernelCounts{*now->counters, std::move(now->maps), std::move(now->interfaces),
                                std::move(now->first_bytes)};
  }
  return telemetry::to_prometheus_text(metrics_view(input));
}

std::string AgentService::health() {
  const auto now = picture();
  return now ? std::string() : now.error().message;
}

std::string AgentService::ready() {
  if (draining_) return "the agent is draining: it accepts no new connections";
  const auto now = picture();
  if (!now) return now.error().message;
  return now->snapshot ? std::string() : "no configuration is in force yet; see lbctl status";
}

}  // namespace sluice::app
