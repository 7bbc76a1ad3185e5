// SPDX-License-Identifier: Apache-2.0
// Small worlds for proxy tests: one listener, a few subsets, built through the real snapshot::build. Thread: any.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/model/world.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::proxy::testing {

struct Subset {
  std::string name = "v1";
  std::uint64_t weight = 1;
  std::vector<SocketAddress> endpoints;
  std::vector<SocketAddress> leaving{};  // endpoints that terminate
  model::TrafficPolicy policy{};
  std::int64_t last_ready_since = 0;  // of the last of the endpoints
};

struct WorldOptions {
  std::function<void(model::Route&)>
      edit_route{};  // last; subsets beyond its destinations are for mirrors
  std::uint16_t port = 0;
  std::vector<Subset> subsets;
  std::string path_prefix;  // empty: the route matches everything
  std::optional<model::DesyncMode> desync_mode;
  std::optional<std::uint64_t> max_body_bytes;
  bool kernel_path = false;
  model::ForwardedHeaders forwarded = model::ForwardedHeaders::kNone;
  bool proxy_protocol = false;
  bool tcp = false;                            // a TCP listener with one rule for all connections
  bool udp = false;                            // the same for datagrams
  std::vector<model::TcpMatch> tcp_matches{};  // of that rule
  model::TrafficPolicyPtr policy = model::default_policy();
  std::optional<std::uint32_t> max_connections{};
  std::optional<Milliseconds> timeout{};        // of the route
  std::optional<model::RetryPolicy> retries{};  // of the route
  model::SteerAfter steer_after{model::SteerAfter::Mode::kCount, 1};
};

[[nodiscard]] std::string cluster_key(const std::string& subset);  // in reports
[[nodiscard]] snapshot::SnapshotPtr make_snapshot(const WorldOptions& options,
                                                  std::uint64_t generation = 1);

}  // namespace sluice::proxy::testing
