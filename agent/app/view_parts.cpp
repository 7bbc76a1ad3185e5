// SPDX-License-Identifier: Apache-2.0
#include "agent/app/view_parts.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include "agent/routing/condition.hpp"

namespace sluice::app {
namespace {

const health::ClusterView* view_of(const std::string& key,
                                   std::span<const health::ClusterView> health) {
  const auto found = std::ranges::lower_bound(health, key, {}, &health::ClusterView::key);
  return found == health.end() || found->key != key ? nullptr : &*found;
}

void fill(const health::EndpointView& from, v1::EndpointStatus& to) {
  to.set_in_flight(from.in_flight);
  to.set_connections(from.connections);
  to.set_times_ejected(from.times_ejected);
  if (!from.ejected) return;
  to.set_ejected(true);
  to.set_ejected_seconds(std::chrono::duration<double>(from.returns_in).count());
  to.set_ejected_reason(health::label_of(from.cause));
}

// `health` may be null: nothing is known of its cluster.
void fill(const model::Endpoint& from, const health::ClusterView* health, v1::EndpointStatus& to) {
  to.set_address(to_string(from.address));
  to.set_name(from.name);
  to.set_ready(from.ready);
  to.set_serving(from.serving);
  to.set_terminating(from.terminating);
  if (health == nullptr) return;
  const auto found =
      std::ranges::lower_bound(health->endpoints, from.address, {}, &health::EndpointView::address);
  if (found != health->endpoints.end() && found->address == from.address) fill(*found, to);
}

void fill(const health::ClusterView& from, v1::ClusterStatus& to) {
  to.set_ejected(from.ejected);
  to.set_ejections_held_back(from.ejections_held_back);
  for (std::size_t i = 0; i < from.overflows.size(); ++i) {
    if (from.overflows[i] == 0) continue;
    v1::ReasonCount& overflow = *to.add_overflows();
    overflow.set_reason(health::label_of(static_cast<health::Overflow>(i)));
    overflow.set_count(from.overflows[i]);
  }
}

}  // namespace

ClusterReports sum_clusters(std::span<const proxy::WorkerReport> workers) {
  ClusterReports out;
  std::set<std::string_view> hidden;
  for (const proxy::WorkerReport& worker : workers) {
    for (const auto& [key, report] : worker.clusters) {
      if (report.unused_for >= proxy::ClusterReport::kHide) hidden.insert(key);
      proxy::ClusterReport& sum = out[key];
      sum.picks += report.picks;
      sum.promotions += report.promotions;
      sum.steered_turns += report.steered_turns;
      sum.carried_requests += report.carried_requests;
      sum.ahead += report.ahead;
      sum.steered_bytes_in += report.steered_bytes_in;
      sum.steered_bytes_out += report.steered_bytes_out;
      sum.connect_failures += report.connect_failures;
      sum.tcp_bytes_in += report.tcp_bytes_in;
      sum.tcp_bytes_out += report.tcp_bytes_out;
      sum.udp_in += report.udp_in;
      sum.udp_out += report.udp_out;
      sum.udp_bytes_in += report.udp_bytes_in;
      sum.udp_bytes_out += report.udp_bytes_out;
      sum.steered_resent_in += report.steered_resent_in;
      sum.steered_resent_out += report.steered_resent_out;
      sum.durations.add(report.durations);
      sum.first_bytes.add(report.first_bytes);
      for (std::size_t i = 0; i < sum.responses.size(); ++i)
        sum.responses[i] += report.responses[i];
    }
  }
  for (const std::string_view key : hidden) out.erase(std::string(key));
  return out;
}

std::uint64_t requests_of(const std::string& cluster, const ClusterReports& reports) {
  const auto found = reports.find(cluster);
  return found == reports.end() ? 0 : found->second.picks + found->second.carried_requests;
}

std::uint64_t requests_of(const snapshot::DestinationSet& set, const ClusterReports& reports) {
  std::uint64_t sum = 0;
  for (const snapshot::Share& share : set.shares) sum += requests_of(share.cluster, reports);
  return sum;
}

double wanted_ratio(const snapshot::DestinationSet& set, const snapshot::Share& share) {
  double total = 0;
  for (const snapshot::Share& each : set.shares)
    total += static_cast<double>(each.effective_weight);
  return total > 0 ? static_cast<double>(share.effective_weight) / total : 0;
}

const char* name_of(snapshot::ShareState state) {
  switch (state) {
    case snapshot::ShareState::kReady:
      return "ready";
    case snapshot::ShareState::kKept:
      return "kept";
    case snapshot::ShareState::kDraining:
      return "draining";
    case snapshot::ShareState::kEmpty:
      return "empty";
  }
  return "empty";
}

const char* name_of(snapshot::Tier tier) {
  return tier == snapshot::Tier::kConnection ? "connection" : "request";
}

std::string text_of(const model::SteerAfter& after) {
  switch (after.mode) {
    case model::SteerAfter::Mode::kNever:
      return "never";
    case model::SteerAfter::Mode::kAuto:
      return "auto";
    case model::SteerAfter::Mode::kCount:
      return std::to_string(after.count);
  }
  return "auto";
}

std::string describe(const model::RouteMatch& match) {
  routing::RegexPool pool;
  const auto conditions = routing::compile_match(match, pool);
  std::string out;
  // A match of a snapshot was compiled before, so it compiles again.
  if (!conditions) return out;
  for (const routing::Condition& condition : *conditions) {
    out += (out.empty() ? "" : ", ") + condition.describe();
  }
  return out;
}

void fill(const model::Origin& from, v1::Origin& to) {
  to.set_file(from.file);
  to.set_line(from.line);
  to.set_column(from.column);
  to.set_object(from.object);
  to.set_path(from.path);
}

void fill(const snapshot::DestinationSet& set, const snapshot::Share& from,
          const ClusterReports& reports, v1::Share& to) {
  const std::uint64_t own = requests_of(from.cluster, reports);
  const std::uint64_t all = requests_of(set, reports);
  to.set_cluster(from.cluster);
  to.set_weight(static_cast<double>(from.weight) / static_cast<double>(model::kWeightUnit));
  to.set_wanted_percent(100 * wanted_ratio(set, from));
  to.set_realised_percent(all == 0 ? 0 : 100 * static_cast<double>(own) / static_cast<double>(all));
  to.set_requests(own);
  to.set_endpoints(static_cast<std::uint32_t>(from.endpoints.size()));
  to.set_state(from.invalid ? "invalid" : name_of(from.state));
}

void fill(const snapshot::Snapshot& snapshot, const model::Cluster& from, const ClusterFacts& facts,
          v1::ClusterStatus& to) {
  to.set_key(from.key);
  to.set_host(from.host);
  to.set_subset(from.subset);
  to.set_port(from.port);
  const health::ClusterView* const health = view_of(from.key, facts.health);
  for (const model::Endpoint& endpoint : from.endpoints)
    fill(endpoint, health, *to.add_endpoints());
  if (const auto kept = snapshot.kept.find(from.key); kept != snapshot.kept.end()) {
    for (const model::Endpoint& endpoint : kept->second) {
      const bool listed = std::ranges::any_of(from.endpoints, [&](const model::Endpoint& own) {
        return own.address == endpoint.address;
      });
      if (!listed) fill(endpoint, health, *to.add_endpoints());
    }
  }
  if (health != nullptr) fill(*health, to);
  if (const auto found = facts.reports.find(from.key); found != facts.reports.end()) {
    to.set_picks(found->second.picks);
    to.set_promotions(found->second.promotions);
    to.set_steered_turns(found->second.steered_turns);
  }
}

}  // namespace sluice::app
