// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "agent/app/action_text.hpp"
#include "agent/app/explain_actions.hpp"
#include "agent/app/explain_request.hpp"
#include "agent/app/status_view.hpp"
#include "agent/app/view_parts.hpp"
#include "agent/proxy/h1_options.hpp"
#include "agent/routing/tcp_match.hpp"

namespace sluice::app {
namespace {

constexpr int kMaxNearMisses = 100;  // a host may have thousands of routes

const snapshot::Listener* choose_listener(const snapshot::Snapshot& snapshot,
                                          const ExplainTarget& target) {
  // Most ask for connections; of datagrams a URL says nothing.
  for (const auto transport : {snapshot::Transport::kTcp, snapshot::Transport::kUdp}) {
    const SocketAddress local{target.ip.value_or(IpAddress{}), target.port};
    if (const auto* found = snapshot.find_listener(local, transport)) return found;
  }
  if (target.ip) return nullptr;
  // A name may lead to any address of the node: the first listener of that port.
  const auto found = std::ranges::find_if(
      snapshot.listeners,
      [&](const snapshot::ListenerPtr& each) { return each->config.port == target.port; });
  return found == snapshot.listeners.end() ? nullptr : found->get();
}

std::uint32_t index_of(const model::VirtualHost& host, const model::Route& route) {
  return static_cast<std::uint32_t>(&route - host.routes.data());
}

void add_near_misses(const routing::Explanation& explanation, v1::ExplainReply& reply) {
  reply.set_near_misses_total(static_cast<std::uint32_t>(explanation.near_misses.size()));
  for (const routing::NearMiss& from : explanation.near_misses) {
    if (reply.near_misses_size() >= kMaxNearMisses) return;
    v1::NearMiss& to = *reply.add_near_misses();
    to.set_virtual_host(from.virtual_host->name);
    to.set_route(from.route->name.empty()
                     ? "#" + std::to_string(index_of(*from.virtual_host, *from.route))
                     : from.route->name);
    const bool has_match = from.match_index >= 0;
    fill(has_match ? from.route->matches[static_cast<std::size_t>(from.match_index)].origin
                   : from.route->origin,
         *to.mutable_origin());
    to.set_condition(from.condition);
    to.set_got(from.got);
  }
}

void add_listener(const snapshot::Listener& listener, v1::ExplainReply& reply) {
  reply.set_listener(listener.config.name);
  reply.set_tier(name_of(listener.tier));
  reply.set_tier_code(listener.tier_code);
  reply.set_tier_reason(listener.tier_reason);
  fill(listener.tier_origin, *reply.mutable_tier_origin());
}

void add_decision(const routing::Decision& decision, v1::ExplainReply& reply) {
  reply.set_matched(true);
  reply.set_virtual_host(decision.virtual_host->name);
  reply.set_route_index(index_of(*decision.virtual_host, *decision.route));
  reply.set_route_name(decision.route->name);
  fill(decision.route->origin, *reply.mutable_route_origin());
  if (decision.match_index < 0) return;
  const model::RouteMatch& match =
      decision.route->matches[static_cast<std::size_t>(decision.match_index)];
  reply.set_match(describe(match));
  fill(match.origin, *reply.mutable_match_origin());
}

void add_policy(const model::Cluster& cluster, v1::ExplainReply& reply) {
  v1::ClusterPolicy& to = *reply.add_policies();
  to.set_cluster(cluster.key);
  for (const auto& [name, text] : describe_policy(*cluster.policy)) {
    v1::Setting& setting = *to.add_settings();
    setting.set_name(name);
    setting.set_text(text);
  }
  fill(cluster.policy->origin, *to.mutable_origin());
}

void add_destinations(const ExplainInput& input, const snapshot::DestinationSet& set,
                      v1::ExplainReply& reply) {
  const snapshot::Snapshot& snapshot = *input.snapshot;
  const ClusterFacts facts{sum_clusters(input.workers), input.health};
  for (const snapshot::Share& share : set.shares) {
    fill(set, share, facts.reports, *reply.add_shares());
    if (const auto cluster = snapshot.clusters.find(share.cluster);
        cluster != snapshot.clusters.end()) {
      fill(snapshot, *cluster->second, facts, *reply.add_clusters());
      add_policy(*cluster->second, reply);
    }
  }
}

struct Asked {
  http::RequestHead head;
  SocketAddress local;
};

void explain_http(const ExplainInput& input, const snapshot::Listener& listener, Asked asked,
                  v1::ExplainReply& reply) {
  const snapshot::Snapshot& snapshot = *input.snapshot;
  const std::string written = asked.head.path;
  if (const std::string refusal = normalize(listener, asked.head); !refusal.empty()) {
    reply.set_outcome("400 " + refusal);
    return;
  }
  if (asked.head.path != written) reply.set_path(asked.head.path);
  const routing::Explanation explanation = listener.routes.explain(asked.head);
  reply.set_domain(explanation.domain);
  for (const std::string& domain : explanation.domains) reply.add_domains(domain);
  add_near_misses(explanation, reply);
  if (!explanation.decision) {
    reply.set_outcome("404 no_route");
    return;
  }
  add_decision(*explanation.decision, reply);
  const std::string answer = add_actions(*explanation.decision, asked.head, asked.local, reply);
  const auto& set = *snapshot.destination_sets[listener.route_sets[explanation.decision->route_id]];
  add_destinations(input, set, reply);
  if (!answer.empty()) {
    reply.set_outcome(answer);
  } else if (set.shares.empty()) {
    reply.set_outcome("500 no_destination");
  } else {
    const bool invalid = std::ranges::any_of(set.shares, &snapshot::Share::invalid);
    reply.set_outcome(set.has_endpoint() ? "routed"
                      : invalid          ? "500 no_destination"
                                         : "503 no_endpoint");
  }
}

// Of a connection, or a client's datagrams, only the destination is looked at, whatever a request would say.
void explain_l4(const ExplainInput& input, const snapshot::Listener& listener,
                const SocketAddress& local, v1::ExplainReply& reply) {
  const auto index = routing::match_tcp(listener.config.tcp_routes, local);
  if (!index) {
    reply.set_outcome("no_tcp_route");
    return;
  }
  const model::TcpRoute& route = listener.config.tcp_routes[*index];
  reply.set_matched(true);
  reply.set_virtual_host(listener.transport() == snapshot::Transport::kUdp ? "udp" : "tcp");
  reply.set_route_index(static_cast<std::uint32_t>(*index));
  fill(route.origin, *reply.mutable_route_origin());
  const auto& set = *input.snapshot->destination_sets[listener.tcp_sets[*index]];
  add_destinations(input, set, reply);
  reply.set_outcome(set.has_endpoint() ? "routed" : "no_endpoint");
}

}  // namespace

v1::ExplainReply explain_view(const v1::ExplainRequest& request, const ExplainInput& input) {
  v1::ExplainReply reply;
  const auto refuse = [&reply](const Error& error) {
    reply.set_error(error.message);
    return reply;
  };
  const auto target = parse_explain_target(request);
  if (!target) return refuse(target.error());
  const snapshot::Listener* const listener =
      input.snapshot ? choose_listener(*input.snapshot, *target) : nullptr;
  const bool http = listener == nullptr || listener->config.protocol == "HTTP";
  http::RequestHead head;
  if (http) {
    auto read = read_explain_head(*target, proxy::h1_options(input.http, listener));
    if (!read) return refuse(read.error());
    head = std::move(*read);
  }
  if (input.snapshot) reply.set_generation(input.snapshot->generation);
  if (listener == nullptr) {
    if (input.snapshot) {
      for (const snapshot::ListenerPtr& each : input.snapshot->listeners)
        reply.add_listeners(each->config.name);
    }
    reply.set_outcome("no_listener");
    return reply;
  }
  add_listener(*listener, reply);
  const SocketAddress local{target->ip.value_or(IpAddress{}), target->port};
  if (http) {
    explain_http(input, *listener, {std::move(head), local}, reply);
  } else {
    explain_l4(input, *listener, local, reply);
  }
  return reply;
}

}  // namespace sluice::app
