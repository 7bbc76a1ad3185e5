// SPDX-License-Identifier: Apache-2.0
#include "agent/app/status_view.hpp"

#include "agent/app/cluster_view.hpp"

#include "agent/app/reasons.hpp"
#include "agent/app/view_parts.hpp"
#include "agent/proxy/h1_options.hpp"

namespace sluice::app {
namespace {

const char* name_of(model::Severity severity) {
  switch (severity) {
    case model::Severity::kError:
      return "error";
    case model::Severity::kWarning:
      return "warning";
    case model::Severity::kUnsupported:
      return "unsupported";
  }
  return "error";
}

const char* name_of(datapath::AttachMode mode) {
  switch (mode) {
    case datapath::AttachMode::kTcx:
      return "tcx";
    case datapath::AttachMode::kClsact:
      return "clsact";
    case datapath::AttachMode::kNone:
      return "none";
  }
  return "none";
}

void add_diagnostics(const StatusInput& input, v1::StatusReply& reply) {
  for (const model::Diagnostic& from : input.diagnostics) {
    v1::Diagnostic& to = *reply.add_diagnostics();
    to.set_severity(name_of(from.severity));
    to.set_code(from.code);
    to.set_message(from.message);
    to.set_hint(from.hint);
    fill(from.origin, *to.mutable_origin());
  }
}

const char* name_of(model::PathNormalization form) {
  switch (form) {
    case model::PathNormalization::kNone:
      return "none";
    case model::PathNormalization::kBase:
      return "base";
    case model::PathNormalization::kMergeSlashes:
      return "merge-slashes";
    case model::PathNormalization::kDecodeAndMergeSlashes:
      return "decode-and-merge-slashes";
  }
  return "none";
}

void add_listener_settings(const StatusInput& input, const snapshot::Listener& from,
                           v1::ListenerStatus& to) {
  const auto open = input.listener_connections.find(from.config.name);
  to.set_connections(open == input.listener_connections.end() ? 0 : open->second);
  to.set_max_connections(from.config.max_connections.value_or(0));
  const model::DesyncMode mode =
      from.config.desync_mode.value_or(input.listener_defaults.desync_mode);
  to.set_desync_mode(label_of(proxy::h1_mode(mode)));
  to.set_max_body_bytes(
      from.config.max_body_bytes.value_or(input.listener_defaults.max_body_bytes));
  to.set_path_normalization(name_of(from.path_normalization));
}

void add_listener(const StatusInput& input, const snapshot::Listener& from,
                  v1::StatusReply& reply) {
  v1::ListenerStatus& to = *reply.add_listeners();
  to.set_name(from.config.name);
  to.set_port(from.config.port);
  to.set_protocol(from.config.protocol);
  for (const std::string& gateway : from.config.gateways) to.add_gateways(gateway);
  to.set_virtual_hosts(static_cast<std::uint32_t>(from.routes.virtual_hosts().size()));
  to.set_routes(static_cast<std::uint32_t>(from.routes.routes().size()));
  to.set_tier(app::name_of(from.tier));
  to.set_tier_code(from.tier_code);
  to.set_tier_reason(from.tier_reason);
  fill(from.tier_origin, *to.mutable_tier_origin());
  to.set_steer_after(text_of(from.steer_after));
  to.set_forwarded_headers(from.add_forwarded_headers ? "add" : "none");
  to.set_client_address(from.preserve_client ? "preserve" : "node");
  to.set_client_address_reason(from.client_address_reason);
  add_listener_settings(input, from, to);
  auto error = input.listener_errors.find(from.config.name);
  if (error == input.listener_errors.end()) error = input.listener_errors.find(kAllListeners);
  if (error == input.listener_errors.end()) return;
  to.set_error(error->second);
  if (input.listener_retry)
    to.set_retry_seconds(std::chrono::duration<double>(*input.listener_retry).count());
}

void add_snapshot(const StatusInput& input, v1::StatusReply& reply) {
  if (!input.snapshot) return;
  const snapshot::Snapshot& snapshot = *input.snapshot;
  reply.set_generation(snapshot.generation);
  for (const snapshot::Condition& from : snapshot.conditions) {
    v1::Condition& to = *reply.add_conditions();
    to.set_type(from.type);
    to.set_cluster(from.cluster);
    to.set_message(from.message);
    fill(from.origin, *to.mutable_origin());
  }
  for (const snapshot::ListenerPtr& listener : snapshot.listeners)
    add_listener(input, *listener, reply);
  const ClusterFacts facts{sum_clusters(input.workers), input.health};
  for (const auto& [key, cluster] : snapshot.clusters)
    fill(snapshot, *cluster, facts, *reply.add_clusters());
}

void add_workers(const StatusInput& input, v1::StatusReply& reply) {
  std::uint64_t steered = 0;
  std::uint64_t adopted = 0;
  for (const proxy::WorkerReport& from : input.workers) {
    v1::WorkerStatus& to = *reply.add_workers();
    to.set_index(from.worker);
    to.set_generation(from.generation);
    to.set_connections_open(from.connections_open);
    to.set_connections_accepted(from.connections_accepted);
    to.set_requests(from.requests);
    to.set_upstreams_open(from.upstreams_open);
    to.set_upstreams_idle(from.upstreams_idle);
    to.set_buffer_bytes(from.buffer_bytes);
    steered += from.steered_open;
    adopted += from.steered_adopted;
  }
  reply.set_steered_connections(steered);
  reply.set_adopted_connections(adopted);
}

void add_kernel(const StatusInput& input, v1::StatusReply& reply) {
  reply.set_kernel_path(input.kernel_path);
  reply.set_kernel_reason(input.kernel_path ? "" : input.kernel_reason);
  for (const datapath::InterfaceStatus& from : input.interfaces) {
    v1::InterfaceStatus& to = *reply.add_interfaces();
    to.set_name(from.name);
    to.set_index(from.index);
    to.set_mtu(from.mtu);
    to.set_mode(name_of(from.mode));
    to.set_peer_redirect(from.peer_redirect);
    to.set_reason(from.reason);
  }
  for (const datapath::MapFill& from : input.maps) {
    v1::MapStatus& to = *reply.add_maps();
    to.set_name(from.name);
    to.set_used(from.used);
    to.set_capacity(from.capacity);
  }
  for (const datapath::Probe& from : input.probes) {
    v1::ProbeStatus& to = *reply.add_probes();
    to.set_name(from.name);
    to.set_ok(from.ok);
    to.set_required(from.required);
    to.set_detail(from.detail);
  }
}

void add_access_log(const StatusInput& input, v1::StatusReply& reply) {
  if (!input.access_log) return;
  const AccessLogInput& from = *input.access_log;
  v1::AccessLogStatus& to = *reply.mutable_access_log();
  to.set_target(from.settings.target);
  to.set_format(from.settings.json ? "json" : "text");
  to.set_sample(from.settings.sample);
  to.set_granularity(from.per_request ? "request" : "connection");
  to.set_written(from.state.written);
  to.set_dropped(from.state.dropped);
  to.set_failed(from.state.failed);
  to.set_error(from.state.error);
}

}  // namespace

v1::StatusReply status_view(const StatusInput& input) {
  v1::StatusReply reply;
  reply.set_version(input.version);
  reply.set_node(input.node);
  reply.set_uptime_seconds(input.uptime_seconds);
  reply.set_config_source(input.config_source);
  if (input.cluster) fill(*input.cluster, *reply.mutable_api());
  if (input.member) fill(*input.member, *reply.mutable_api()->mutable_member());
  reply.set_objects(input.objects);
  reply.set_objects_rejected(input.objects_rejected);
  reply.set_resident_bytes(input.resident_bytes);
  add_diagnostics(input, reply);
  add_snapshot(input, reply);
  add_workers(input, reply);
  add_kernel(input, reply);
  add_reasons(input, reply);
  add_access_log(input, reply);
  return reply;
}

}  // namespace sluice::app
