// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/proxy/testing_world.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace sluice::proxy::testing {

std::string cluster_key(const std::string& subset) { return "echo.test|" + subset + "|80"; }

snapshot::SnapshotPtr make_snapshot(const WorldOptions& options, std::uint64_t generation) {
  model::World world;
  model::Route route;
  if (!options.path_prefix.empty()) {
    model::RouteMatch match;
    match.uri = model::StringMatch{model::StringMatch::Kind::kPrefix, options.path_prefix};
    route.matches.push_back(match);
  }
  route.timeout = options.timeout;
  route.retries = options.retries;
  for (const Subset& subset : options.subsets) {
    model::Cluster cluster;
    cluster.key = cluster_key(subset.name);
    cluster.host = "echo.test";
    cluster.subset = subset.name;
    cluster.port = 80;
    cluster.policy = options.policy;
    for (const SocketAddress& address : subset.endpoints) {
      cluster.endpoints.push_back({.address = address, .name = to_string(address)});
    }
    if (!cluster.endpoints.empty()) cluster.endpoints.back().ready_since = subset.last_ready_since;
    for (const SocketAddress& address : subset.leaving) {
      cluster.endpoints.push_back(
          {.address = address, .name = to_string(address), .ready = false, .terminating = true});
    }
    if (!subset.policy.same_as(*model::default_policy())) {
      cluster.policy = std::make_shared<const model::TrafficPolicy>(subset.policy);
    }
    std::ranges::sort(cluster.endpoints, {}, &model::Endpoint::address);
    route.destinations.push_back({cluster.key, subset.weight * model::kWeightUnit, {}});
    world.clusters.emplace(cluster.key, std::make_shared<const model::Cluster>(cluster));
  }
  if (options.edit_route) options.edit_route(route);
  model::VirtualHost host;
  host.name = "test/echo";
  host.domains = {"*"};
  host.routes.push_back(route);
  model::Listener listener;
  listener.port = options.port;
  listener.name = "0.0.0.0:" + std::to_string(options.port);
  listener.desync_mode = options.desync_mode;
  listener.max_body_bytes = options.max_body_bytes;
  listener.proxy_protocol = options.proxy_protocol;
  listener.max_connections = options.max_connections;
  if (options.tcp || options.udp) {
    listener.protocol = options.tcp ? "TCP" : "UDP";
    model::TcpRoute& rule = listener.tcp_routes.emplace_back();
    rule.matches = options.tcp_matches;
    rule.destinations = route.destinations;
  } else {
    listener.virtual_hosts.push_back(std::make_shared<const model::VirtualHost>(host));
  }
  world.listeners.push_back(listener);
  snapshot::BuildOptions build;
  build.kernel_path = options.kernel_path;
  build.kernel_reason = "a test without a kernel path";
  build.forwarded_headers = options.forwarded;
  build.steer_after = options.steer_after;
  auto built = snapshot::build(world, generation, nullptr, build);
  if (built) return *built;
  std::fprintf(stderr, "snapshot::build: %s\n", built.error().message.c_str());
  std::abort();
}

}  // namespace sluice::proxy::testing
