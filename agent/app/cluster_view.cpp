// SPDX-License-Identifier: Apache-2.0
#include "agent/app/cluster_view.hpp"

namespace sluice::app {

using Health = config::KubeWatch::Health;

const char* name_of(Health health) {
  switch (health) {
    case Health::kStarting:
      return "starting";
    case Health::kSynced:
      return "synced";
    case Health::kAbsent:
      return "absent";
    case Health::kForbidden:
      return "forbidden";
    case Health::kFailing:
      return "failing";
  }
  return "unknown";
}

void fill(const config::KubeStatus& from, control::v1::ApiSource& to) {
  to.set_server(from.server);
  to.set_login(from.origin);
  to.set_ready(from.ready);
  to.set_cached(from.cached);
  to.set_cache_seconds(from.cache_seconds);
  to.set_cache_trouble(from.cache_trouble);
  for (const config::KubeKindStatus& kind : from.kinds) {
    control::v1::ApiKind& out = *to.add_kinds();
    out.set_name(kind.name);
    out.set_state(name_of(kind.health));
    out.set_objects(kind.objects);
    out.set_lists(kind.lists);
    out.set_failures(kind.failures);
    out.set_trouble(kind.trouble);
    out.set_silent_seconds(kind.silent_seconds);
  }
}

void fill(const cluster::MemberStatus& from, control::v1::ApiMember& to) {
  to.set_writes_status(from.writes_status);
  to.set_elected(from.elected);
  to.mutable_nodes()->Add(from.nodes.begin(), from.nodes.end());
  to.set_written(from.written);
  to.set_conflicts(from.conflicts);
  to.set_to_write(from.to_write);
  to.mutable_addresses()->Add(from.addresses.begin(), from.addresses.end());
  to.mutable_troubles()->Add(from.troubles.begin(), from.troubles.end());
}

void add_member(const std::optional<cluster::MemberStatus>& status, Families& out) {
  const cluster::MemberStatus none;
  const cluster::MemberStatus& from = status ? *status : none;
  out.gauge("sluice_cluster_agents",
            "Nodes of the cluster with a ready agent, as this one sees it.");
  if (status) out.sample({}, from.nodes.size());
  out.gauge("sluice_cluster_writes_status", "1 on the agent that is elected to write status.");
  if (status) out.sample({}, from.writes_status ? 1 : 0);
  out.counter("sluice_cluster_status_writes_total", "Statuses of objects that this agent wrote.");
  if (status) out.sample({}, from.written);
  out.gauge("sluice_cluster_status_pending", "Objects whose status has yet to be looked at.");
  if (status) out.sample({}, from.to_write);
  out.counter("sluice_cluster_conflicts_total",
              "Writes to the API server that another writer was quicker with; they are repeated.");
  if (status) out.sample({}, from.conflicts);
  out.counter("sluice_cluster_failures_total",
              "Requests about leases and status that failed, by resource.");
  for (const auto& [resource, count] : from.failures) out.sample({{"resource", resource}}, count);
  out.gauge("sluice_cluster_addresses", "Addresses of Gateways that this node answers for.");
  if (status) out.sample({}, from.addresses.size());
}

void add_cluster(const std::optional<config::KubeStatus>& status, Families& out) {
  const std::vector<config::KubeKindStatus> none;
  const auto& kinds = status ? status->kinds : none;
  out.gauge("sluice_config_api_synced",
            "1 while what the agent knows of a kind is in step with the API server.");
  for (const auto& kind : kinds) {
    out.sample({{"resource", kind.name}}, kind.health == Health::kSynced ? 1 : 0);
  }
  out.gauge("sluice_config_api_objects", "Objects of a kind that the API server told of.");
  for (const auto& kind : kinds) out.sample({{"resource", kind.name}}, kind.objects);
  out.gauge("sluice_config_api_silent_seconds",
            "Seconds since the API server's last word about a kind.");
  for (const auto& kind : kinds) {
    if (kind.silent_seconds >= 0) out.sample({{"resource", kind.name}}, kind.silent_seconds);
  }
  out.counter("sluice_config_api_failures_total",
              "Requests to the API server about a kind that failed.");
  for (const auto& kind : kinds) out.sample({{"resource", kind.name}}, kind.failures);
  out.counter("sluice_config_api_lists_total",
              "Times that a kind was listed as a whole; each after the first means that a watch "
              "could not go on.");
  for (const auto& kind : kinds) out.sample({{"resource", kind.name}}, kind.lists);
}

}  // namespace sluice::app
