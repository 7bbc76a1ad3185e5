// SPDX-License-Identifier: Apache-2.0
// Hand-built worlds and their snapshots as text, for the snapshot tests. Thread: main.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "agent/snapshot/snapshot.hpp"

namespace sluice::snapshot {

inline model::Origin at(int line, std::string file = "echo.yaml") {
  model::Origin out;
  out.file = std::move(file);
  out.line = line;
  return out;
}

// "10.0.0.1:80" ready; with a '!' behind it unready, with a '~' terminating but serving.
inline model::Endpoint endpoint(std::string text) {
  model::Endpoint out;
  const char mark = text.back();
  if (mark == '!' || mark == '~') {
    text.pop_back();
    out.ready = false;
    out.serving = out.terminating = mark == '~';
  }
  out.address = SocketAddress::parse(text).value();
  out.name = "pod-" + text;
  return out;
}

inline void add_cluster(model::World& world, const std::string& key, const std::string& selector,
                        const std::vector<std::string>& endpoints) {
  model::Cluster cluster;
  cluster.key = key;
  cluster.host = "echo";
  cluster.subset = key;
  cluster.port = 80;
  cluster.selector = selector;
  for (const auto& text : endpoints) cluster.endpoints.push_back(endpoint(text));
  cluster.origin = at(40, "rule.yaml");
  world.clusters[key] = std::make_shared<const model::Cluster>(std::move(cluster));
}

using Destinations = std::vector<std::pair<std::string, std::uint64_t>>;

inline model::Route route_to(std::string name, int line, const Destinations& destinations) {
  model::Route out;
  out.name = std::move(name);
  out.origin = at(line);
  for (const auto& [cluster, weight] : destinations) {
    out.destinations.push_back({cluster, weight, at(line + 1)});
  }
  return out;
}

inline model::Route with_prefix(model::Route route, std::string prefix) {
  model::RouteMatch match;
  match.uri = model::StringMatch{model::StringMatch::Kind::kPrefix, std::move(prefix)};
  match.origin = route.origin;
  route.matches.push_back(std::move(match));
  return route;
}

inline void add_listener(model::World& world, std::uint16_t port, std::vector<model::Route> routes,
                         std::vector<std::string> domains = {"*"}) {
  model::Listener listener;
  listener.name = "0.0.0.0:" + std::to_string(port);
  listener.port = port;
  listener.origin = at(3, "gateway.yaml");
  model::VirtualHost host;
  host.name = "default/echo";
  host.domains = std::move(domains);
  host.routes = std::move(routes);
  host.origin = at(10);
  listener.virtual_hosts.push_back(std::make_shared<const model::VirtualHost>(std::move(host)));
  world.listeners.push_back(std::move(listener));
}

inline BuildOptions kernel() {
  BuildOptions options;
  options.kernel_path = true;
  return options;
}

inline SnapshotPtr make(const model::World& world, const SnapshotPtr& previous = nullptr,
                        const BuildOptions& options = kernel()) {
  auto out = build(world, previous ? previous->generation + 1 : 1, previous, options);
  EXPECT_TRUE(out) << (out ? "" : out.error().message);
  return out ? *out : nullptr;
}

inline std::string name_of(ShareState state) {
  switch (state) {
    case ShareState::kReady:
      return "ready";
    case ShareState::kKept:
      return "kept";
    case ShareState::kDraining:
      return "draining";
    case ShareState::kEmpty:
      return "empty";
  }
  return "?";
}

// One line a share: "v1 80->80 ready 10.0.0.1:80".
inline std::string shares(const DestinationSet& set) {
  std::string out;
  for (const auto& share : set.shares) {
    out += share.cluster + " " + std::to_string(share.weight) + "->" +
           std::to_string(share.effective_weight) + " " + name_of(share.state);
    for (const auto& endpoint : share.endpoints) out += " " + to_string(endpoint.address);
    out += "\n";
  }
  return out;
}

inline std::string conditions(const Snapshot& snapshot) {
  std::string out;
  for (const auto& condition : snapshot.conditions) {
    out += location(condition.origin) + ": " + condition.type + " " + condition.cluster + ": " +
           condition.message + "\n";
  }
  return out;
}

}  // namespace sluice::snapshot
