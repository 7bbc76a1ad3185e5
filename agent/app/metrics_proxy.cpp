// SPDX-License-Identifier: Apache-2.0
// Metrics of the workers: what they counted themselves (proxy) and what the kernel carries for them (steer).
#include <array>
#include <string>

#include "agent/app/metrics_parts.hpp"
#include "agent/app/view_parts.hpp"
#include "agent/base/hash.hpp"

namespace sluice::app {
namespace {

constexpr std::array kEndingLabels = {
#define LB_ENDING_LABEL(name, label, help) label,
    LB_ENDINGS(LB_ENDING_LABEL)
#undef LB_ENDING_LABEL
};
constexpr std::array kShownLabels = {
#define LB_LABEL(name, label, help) label,
    LB_SHOWN(LB_LABEL)
#undef LB_LABEL
};
constexpr std::array kRefusalLabels = {
#define LB_REFUSAL_LABEL(name, label, help) label,
    LB_REFUSALS(LB_REFUSAL_LABEL)
#undef LB_REFUSAL_LABEL
};
constexpr std::array kMoveLabels = {
#define LB_MOVE_LABEL(name, label, help) label,
    LB_MOVES(LB_MOVE_LABEL)
#undef LB_MOVE_LABEL
};
constexpr std::array kReturnFailureLabels = {
#define LB_RETURN_FAILURE_LABEL(name, label, help) label,
    LB_RETURN_FAILURES(LB_RETURN_FAILURE_LABEL)
#undef LB_RETURN_FAILURE_LABEL
};
constexpr std::array kClasses = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

using Field = std::uint64_t proxy::WorkerReport::*;
using ClusterField = std::uint64_t proxy::ClusterReport::*;

void per_worker(const MetricsInput& input, Families& out, Field field) {
  for (const proxy::WorkerReport& worker : input.workers) {
    out.sample({{"worker", std::to_string(worker.worker)}}, worker.*field);
  }
}

void per_cluster(const ClusterReports& clusters, Families& out, ClusterField field) {
  for (const auto& [key, report] : clusters) out.sample({{"cluster", key}}, report.*field);
}

// Every reason is there from the start, with 0: a rate over a series that appears with its first event misses it.
template <std::size_t N>
void per_reason(const MetricsInput& input, Families& out, const std::array<const char*, N>& labels,
                std::array<std::uint64_t, N> proxy::WorkerReport::* field) {
  for (std::size_t i = 0; i < N; ++i) {
    std::uint64_t sum = 0;
    for (const proxy::WorkerReport& worker : input.workers) sum += (worker.*field)[i];
    out.sample({{"reason", labels[i]}}, sum);
  }
}

// Clusters in force are there from the start too, with 0.
ClusterReports clusters_of(const MetricsInput& input) {
  ClusterReports out = sum_clusters(input.workers);
  if (!input.snapshot) return out;
  for (const auto& [key, cluster] : input.snapshot->clusters) out.try_emplace(key);
  return out;
}

// Of the listeners in force, in all workers together.
void add_listeners(const MetricsInput& input, Families& out) {
  out.gauge("sluice_proxy_listener_connections_open",
            "Client connections that the agent holds, by listener.");
  if (!input.snapshot) return;
  for (const snapshot::ListenerPtr& listener : input.snapshot->listeners) {
    const auto open = input.listener_connections.find(listener->config.name);
    out.sample({{"listener", listener->config.name}},
               open == input.listener_connections.end() ? 0U : open->second);
  }
}

// A series for each thing that can be found and each action that some mode takes on it.
void add_desync(const MetricsInput& input, Families& out) {
  out.counter("sluice_proxy_desync_total",
              "Requests that others may read differently, by what was found and what was done.");
  for (std::size_t i = 0; i < http::kH1Reasons; ++i) {
    const auto reason = static_cast<http::H1Reason>(i);
    const http::DesyncClass found = http::desync_class_of(reason);
    if (found == http::DesyncClass::kCompliant) continue;
    for (std::size_t action = 0; action < http::kDesyncActions; ++action) {
      const auto done = static_cast<http::DesyncAction>(action);
      if (found == http::DesyncClass::kSevere && done != http::DesyncAction::kRefuse) continue;
      std::uint64_t sum = 0;
      for (const proxy::WorkerReport& worker : input.workers)
        sum += worker.desync.counts[i][action];
      out.sample({{"class", http::label_of(found)},
                  {"reason", http::info_of(reason).code},
                  {"action", http::label_of(done)}},
                 sum);
    }
  }
}

// 19 series: only of those that have served.
void sample_durations(Families::Labels labels, const proxy::DurationHistogram& durations,
                      Families& out) {
  if (durations.count() == 0) return;
  telemetry::Sample sample{std::move(labels), durations.sum_ms() / 1000, {}, 0};
  for (std::size_t i = 0; i < proxy::DurationHistogram::kBoundsMs.size(); ++i) {
    sample.buckets.push_back(
        {proxy::DurationHistogram::kBoundsMs[i] / 1000, durations.counts()[i]});
  }
  sample.beyond = durations.counts().back();
  out.sample(std::move(sample));
}

void add_datagrams(const ClusterReports& clusters, Families& out) {
  using Report = proxy::ClusterReport;
  out.counter("sluice_proxy_udp_datagrams_in_total", "Datagrams of clients sent to a cluster.");
  per_cluster(clusters, out, &Report::udp_in);
  out.counter("sluice_proxy_udp_datagrams_out_total",
              "Datagrams that a cluster's endpoints sent to clients.");
  per_cluster(clusters, out, &Report::udp_out);
  out.counter("sluice_proxy_udp_received_bytes_total",
              "Bytes in datagrams of clients sent to a cluster.");
  per_cluster(clusters, out, &Report::udp_bytes_in);
  out.counter("sluice_proxy_udp_sent_bytes_total",
              "Bytes in datagrams that a cluster's endpoints sent to clients.");
  per_cluster(clusters, out, &Report::udp_bytes_out);
}

void add_durations(const ClusterReports& clusters, Families& out) {
  out.histogram("sluice_proxy_request_duration_seconds",
                "From the head of a request to the end of its answer, by cluster.");
  for (const auto& [key, report] : clusters) {
    sample_durations({{"cluster", key}}, report.durations, out);
  }
}

#define LB_BOUND_MS(us) (us) / 1000.0,
constexpr auto kKernelBoundsMs = std::to_array<double>({LB_FIRST_BYTE_BOUNDS(LB_BOUND_MS)});
#undef LB_BOUND_MS
static_assert(kKernelBoundsMs == proxy::DurationHistogram::kBoundsMs,
              "both tiers count in the same buckets");

// The one family of both tiers. Each has its series, because the kernel's outlives the agent and the proxy's does not.
void add_first_bytes(const MetricsInput& input, const ClusterReports& clusters, Families& out) {
  out.histogram("sluice_request_first_byte_seconds",
                "From a request to the first byte of its answer, by cluster and tier.");
  for (const auto& [key, report] : clusters) {
    sample_durations({{"cluster", key}, {"tier", "request"}}, report.first_bytes, out);
    if (!input.kernel) continue;
    const auto counted = input.kernel->first_bytes.find(cluster_hash(key));
    if (counted == input.kernel->first_bytes.end()) continue;
    proxy::DurationHistogram durations;
    durations.add(counted->second.counts, static_cast<double>(counted->second.sum_ns) / 1e6);
    sample_durations({{"cluster", key}, {"tier", "connection"}}, durations, out);
  }
}

void add_clusters(const MetricsInput& input, Families& out) {
  const ClusterReports clusters = clusters_of(input);
  out.counter("sluice_proxy_picks_total",
              "Requests given to a cluster; those the kernel carries later are not in it.");
  per_cluster(clusters, out, &proxy::ClusterReport::picks);
  out.counter("sluice_proxy_connect_failures_total",
              "Failed connections to endpoints of a cluster.");
  per_cluster(clusters, out, &proxy::ClusterReport::connect_failures);
  out.counter("sluice_proxy_responses_total",
              "Responses of a cluster's endpoints by status class; none = no response.");
  for (const auto& [key, report] : clusters) {
    for (std::size_t i = 0; i < kClasses.size(); ++i) {
      out.sample({{"cluster", key}, {"class", kClasses[i]}}, report.responses[i]);
    }
  }
  out.counter("sluice_proxy_tcp_received_bytes_total",
              "Bytes of TCP listeners read from clients for a cluster.");
  per_cluster(clusters, out, &proxy::ClusterReport::tcp_bytes_in);
  out.counter("sluice_proxy_tcp_sent_bytes_total",
              "Bytes of TCP listeners read from a cluster's endpoints for clients.");
  per_cluster(clusters, out, &proxy::ClusterReport::tcp_bytes_out);
  add_datagrams(clusters, out);
  add_durations(clusters, out);
  add_first_bytes(input, clusters, out);
  out.counter("sluice_proxy_promotions_total",
              "Connections to a cluster that were handed to the kernel.");
  per_cluster(clusters, out, &proxy::ClusterReport::promotions);
}

}  // namespace

void add_proxy(const MetricsInput& input, Families& out) {
  using Report = proxy::WorkerReport;
  out.gauge("sluice_proxy_generation", "Generation of the snapshot that a worker uses.");
  per_worker(input, out, &Report::generation);
  out.counter("sluice_proxy_connections_total", "Client connections accepted.");
  per_worker(input, out, &Report::connections_accepted);
  out.gauge("sluice_proxy_connections_open",
            "Client connections that the agent holds now, steered ones not counted.");
  per_worker(input, out, &Report::connections_open);
  out.counter("sluice_proxy_requests_total", "Requests parsed by the agent.");
  per_worker(input, out, &Report::requests);
  out.counter("sluice_proxy_tcp_connections_total", "Connections of TCP listeners.");
  per_worker(input, out, &Report::tcp_connections);
  out.gauge("sluice_proxy_tcp_connections_open", "Connections of TCP listeners that are open.");
  per_worker(input, out, &Report::tcp_open);
  out.counter("sluice_proxy_udp_sessions_total", "Clients of UDP listeners.");
  per_worker(input, out, &Report::udp_sessions);
  out.gauge("sluice_proxy_udp_sessions_open",
            "Clients of UDP listeners that sent or got something lately.");
  per_worker(input, out, &Report::udp_open);
  out.counter("sluice_proxy_udp_received_total", "Datagrams received from clients.");
  per_worker(input, out, &Report::udp_received);
  out.counter("sluice_proxy_udp_sent_total", "Datagrams sent to clients.");
  per_worker(input, out, &Report::udp_sent);
  out.counter("sluice_proxy_received_bytes_total", "Bytes read from clients by the agent.");
  per_worker(input, out, &Report::bytes_received);
  out.counter("sluice_proxy_sent_bytes_total", "Bytes written to clients by the agent.");
  per_worker(input, out, &Report::bytes_sent);
  out.gauge("sluice_proxy_buffer_bytes", "Memory in buffers of requests in flight.");
  per_worker(input, out, &Report::buffer_bytes);
  out.gauge("sluice_proxy_upstreams_open", "Connections to endpoints that are open.");
  per_worker(input, out, &Report::upstreams_open);
  out.gauge("sluice_proxy_upstreams_idle", "Open connections to endpoints that wait in a pool.");
  per_worker(input, out, &Report::upstreams_idle);
  out.counter("sluice_proxy_upstream_connects_total", "Connections opened to endpoints.");
  per_worker(input, out, &Report::upstream_connects);
  out.counter("sluice_proxy_upstream_reuses_total", "Requests sent on a pooled connection.");
  per_worker(input, out, &Report::upstream_reuses);
  out.counter("sluice_proxy_mirrors_sent_total", "Copies of requests sent to mirrors.");
  per_worker(input, out, &Report::mirrors_sent);
  out.counter("sluice_proxy_mirrors_answered_total", "Of these, answered completely.");
  per_worker(input, out, &Report::mirrors_answered);
  out.counter("sluice_proxy_mirrors_failed_total", "Of these, failed or not answered in time.");
  per_worker(input, out, &Report::mirrors_failed);
  out.counter("sluice_proxy_mirrors_dropped_total",
              "Copies that were not sent: too many, too large, or no endpoint.");
  per_worker(input, out, &Report::mirrors_dropped);
  out.counter("sluice_proxy_retries_total", "Attempts after the first one, by retry policies.");
  per_worker(input, out, &Report::retries);
  out.counter("sluice_proxy_retries_too_large_total",
              "Requests sent once because their body was too long to be kept.");
  per_worker(input, out, &Report::retries_too_large);
  out.counter("sluice_proxy_fault_delays_total", "Requests that a route's fault delayed.");
  per_worker(input, out, &Report::fault_delays);
  out.counter("sluice_proxy_endings_total",
              "Requests answered by Sluice itself, and connections it closed, by reason.");
  per_reason(input, out, kEndingLabels, &Report::endings);
  out.counter("sluice_proxy_refusals_total",
              "Requests that were to be handed to the kernel and stayed, by reason.");
  per_reason(input, out, kRefusalLabels, &Report::refusals);
  add_listeners(input, out);
  add_desync(input, out);
  add_clusters(input, out);
}

void add_steer(const MetricsInput& input, Families& out) {
  using Report = proxy::WorkerReport;
  const ClusterReports clusters = clusters_of(input);
  out.gauge("sluice_steer_connections", "Connections that the kernel carries now.");
  per_worker(input, out, &Report::steered_open);
  out.gauge("sluice_steer_adopted_connections",
            "Of these, connections that an earlier agent handed over.");
  per_worker(input, out, &Report::steered_adopted);
  out.gauge("sluice_steer_held_connections",
            "Handed over, but the pod has not acknowledged the request yet.");
  per_worker(input, out, &Report::steered_held);
  out.gauge("sluice_steer_slots_free", "Connections that could still be handed over.");
  per_worker(input, out, &Report::slots_free);
  out.gauge("sluice_steer_ports_in_use", "Own source ports in use towards endpoints.");
  per_worker(input, out, &Report::upstream_ports_in_use);
  out.gauge("sluice_steer_addresses_shown_now",
            "Upstream connections that show their client's address, resting ports included.");
  per_worker(input, out, &Report::sources);
  out.counter("sluice_steer_addresses_shown_total",
              "Connections to endpoints for listeners that preserve the client's address, by whose "
              "the endpoint sees.");
  per_reason(input, out, kShownLabels, &Report::addresses_shown);
  out.counter("sluice_steer_endings_total", "Steered connections that ended, by how.");
  std::uint64_t closed = 0, reset = 0, replaced = 0, idle = 0, returned = 0, cut = 0;
  std::uint64_t at_turn = 0, while_idle = 0, opaque = 0;
  for (const Report& worker : input.workers) {
    closed += worker.steered_closed;
    reset += worker.steered_reset;
    replaced += worker.steered_replaced;
    idle += worker.steered_idle;
    returned += worker.steered_returned;
    cut += worker.steered_cut;
    at_turn += worker.returned_at_turn;
    while_idle += worker.returned_idle;
    opaque += worker.returned_opaque;
  }
  out.sample({{"reason", "closed"}}, closed)
      .sample({{"reason", "reset"}}, reset)
      .sample({{"reason", "replaced"}}, replaced)
      .sample({{"reason", "idle"}}, idle)
      .sample({{"reason", "returned"}}, returned)
      .sample({{"reason", "cut"}}, cut);
  out.counter("sluice_steer_moves_asked_total",
              "Steered connections that were to come back, by why.");
  per_reason(input, out, kMoveLabels, &Report::moves_asked);
  out.counter("sluice_steer_returns_total", "Connections taken back, by when.");
  out.sample({{"when", "turn"}}, at_turn).sample({{"when", "idle"}}, while_idle);
  out.counter("sluice_steer_opaque_returns_total",
              "Of these, connections whose client went on with what is no request.");
  out.sample({}, opaque);
  out.counter("sluice_steer_return_failures_total",
              "Attempts to take a connection back that failed, by reason.");
  per_reason(input, out, kReturnFailureLabels, &Report::return_failures);
  out.counter("sluice_steer_requests_total", "Requests that the kernel carried without the agent.");
  per_cluster(clusters, out, &proxy::ClusterReport::steered_turns);
  out.counter("sluice_proxy_carried_requests_total",
              "Of these, and of those on connections of an earlier agent: credited to shares.");
  per_cluster(clusters, out, &proxy::ClusterReport::carried_requests);
  out.gauge("sluice_proxy_share_ahead_requests",
            "Requests that a cluster got beyond its shares and that will be made up for; below 0: "
            "that it lacks. Sets with carried connections.");
  for (const auto& [key, report] : clusters) out.sample({{"cluster", key}}, report.ahead);
  out.counter("sluice_steer_received_bytes_total", "Payload from clients that the kernel carried.");
  per_cluster(clusters, out, &proxy::ClusterReport::steered_bytes_in);
  out.counter("sluice_steer_sent_bytes_total", "Payload to clients that the kernel carried.");
  per_cluster(clusters, out, &proxy::ClusterReport::steered_bytes_out);
  out.counter("sluice_steer_resent_packets_total",
              "Packets that the kernel carried with payload but nothing new in it.");
  for (const auto& [key, report] : clusters) {
    out.sample({{"cluster", key}, {"direction", "to_endpoint"}}, report.steered_resent_in)
        .sample({{"cluster", key}, {"direction", "to_client"}}, report.steered_resent_out);
  }
}

}  // namespace sluice::app
