// SPDX-License-Identifier: Apache-2.0
#include "agent/app/action_text.hpp"
#include "agent/app/status_view.hpp"
#include "agent/app/view_parts.hpp"

namespace sluice::app {
namespace {

void fill_route(const snapshot::Snapshot& snapshot, const snapshot::Listener& listener,
                std::size_t route_id, const ClusterReports& reports, v1::RouteStatus& to) {
  const routing::RouteTable::Entry& entry = listener.routes.routes()[route_id];
  const model::VirtualHost& host = *listener.routes.virtual_hosts()[entry.virtual_host];
  const model::Route& route = host.routes[entry.route];
  to.set_listener(listener.config.name);
  to.set_virtual_host(host.name);
  for (const std::string& domain : host.domains) to.add_domains(domain);
  to.set_index(entry.route);
  to.set_name(route.name);
  for (const model::RouteMatch& match : route.matches) {
    const std::string text = describe(match);
    to.add_matches(text.empty() ? "every request" : text);
  }
  const snapshot::DestinationSet& set = *snapshot.destination_sets[listener.route_sets[route_id]];
  for (const snapshot::Share& share : set.shares) fill(set, share, reports, *to.add_shares());
  fill(route.origin, *to.mutable_origin());
  for (const ActionText& action : describe_actions(route)) {
    v1::Action& out = *to.add_actions();
    out.set_name(action.name);
    out.set_text(action.text);
    fill(action.origin, *out.mutable_origin());
  }
}

}  // namespace

v1::RoutesReply routes_view(const snapshot::SnapshotPtr& snapshot,
                            std::span<const proxy::WorkerReport> workers) {
  v1::RoutesReply reply;
  if (!snapshot) return reply;
  reply.set_generation(snapshot->generation);
  const ClusterReports reports = sum_clusters(workers);
  for (const snapshot::ListenerPtr& listener : snapshot->listeners) {
    for (std::size_t id = 0; id < listener->routes.routes().size(); ++id) {
      fill_route(*snapshot, *listener, id, reports, *reply.add_routes());
    }
  }
  return reply;
}

}  // namespace sluice::app
