// SPDX-License-Identifier: Apache-2.0
// The replies of control.proto from plain inputs: what the agent shows about itself. Called by the supervisor's
// AgentApi, which collects the inputs. Pure, so that tests need no agent. Thread: any.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/base/clock.hpp"
#include "agent/cluster/member.hpp"
#include "agent/config/source/kube_source.hpp"
#include "agent/control/control.pb.h"
#include "agent/datapath/datapath.hpp"
#include "agent/datapath/preflight.hpp"
#include "agent/health/cluster_record.hpp"
#include "agent/http/h1_codec.hpp"
#include "agent/model/origin.hpp"
#include "agent/proxy/worker_report.hpp"
#include "agent/snapshot/snapshot.hpp"
#include "agent/telemetry/access_log.hpp"
#include "bpf/abi/slot.h"

namespace sluice::app {

namespace v1 = control::v1;

// Key of StatusInput::listener_errors for what concerns every listener (the kernel's listener map could not be
// written).
inline constexpr const char* kAllListeners = "all";

struct AccessLogInput {
  telemetry::AccessLogSettings settings;
  bool per_request = true;
  telemetry::AccessLogState state;
};

// What holds for a listener that does not say otherwise.
struct ListenerDefaults {
  model::DesyncMode desync_mode = model::DesyncMode::kDefensive;
  std::uint64_t max_body_bytes = 0;
};

struct StatusInput {
  std::string version;
  std::string node;
  std::uint64_t uptime_seconds = 0;
  std::string config_source;                    // directory
  std::optional<config::KubeStatus> cluster;    // instead of that
  std::optional<cluster::MemberStatus> member;  // with it
  std::uint32_t objects = 0;
  std::uint32_t objects_rejected = 0;
  std::vector<model::Diagnostic> diagnostics;
  snapshot::SnapshotPtr snapshot;  // null before the first generation
  std::map<std::string, std::string>
      listener_errors;                         // by listener name: why its port is not served
  std::optional<Milliseconds> listener_retry;  // until those of listener_errors are tried again
  std::map<std::string, std::uint32_t> listener_connections;  // by listener name
  ListenerDefaults listener_defaults;
  std::vector<proxy::WorkerReport> workers;
  std::vector<health::ClusterView> health;  // as Registry::views()
  std::vector<datapath::InterfaceStatus> interfaces;
  std::vector<datapath::MapFill> maps;
  std::vector<datapath::Probe> probes;
  bool kernel_path = false;   // loaded and in use, not only possible
  std::string kernel_reason;  // why not
  std::uint64_t resident_bytes = 0;
  std::optional<AccessLogInput> access_log;  // nullopt: off
};
[[nodiscard]] v1::StatusReply status_view(const StatusInput& input);

// `snapshot` may be null: an empty reply.
[[nodiscard]] v1::RoutesReply routes_view(const snapshot::SnapshotPtr& snapshot,
                                          std::span<const proxy::WorkerReport> workers);

// The kernel goes on writing to the slots: each is copied first and skipped when it changed hands meanwhile.
// A connection that was installed before `agent_start` was adopted. `snapshot` gives the clusters their names.
[[nodiscard]] v1::FlowsReply flows_view(std::span<const lb_slot> slots, std::uint32_t limit,
                                        TimePoint now, TimePoint agent_start,
                                        const snapshot::SnapshotPtr& snapshot);

struct ExplainInput {
  snapshot::SnapshotPtr snapshot{};  // null before the first generation
  std::vector<proxy::WorkerReport> workers{};
  std::vector<health::ClusterView> health{};  // as Registry::views()
  http::H1Options http{};                     // of a listener that does not say otherwise
};
// Goes through the codec, as the listener has requests read, and the route table of the data path. The URL's host and
// port choose the listener: an exact bind of that address, else the port; -H Host replaces the authority, as with a
// client that is given an address.
[[nodiscard]] v1::ExplainReply explain_view(const v1::ExplainRequest& request,
                                            const ExplainInput& input);

}  // namespace sluice::app
