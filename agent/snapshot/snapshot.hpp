// SPDX-License-Identifier: Apache-2.0
// Snapshot: one immutable generation of everything the data path decides by. Built on main, read by workers and by
// explain through a SnapshotPtr; a request keeps the pointer it started with.
// Thread: any (const). Invariants: indexes inside a snapshot are valid; nothing in it changes after build(). What is
// held by pointer is shared with the generations before and after: the same pointer means that nothing changed.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/balance/hash_table.hpp"
#include "agent/base/error.hpp"
#include "agent/model/world.hpp"
#include "agent/routing/route_table.hpp"

namespace sluice::snapshot {

enum class ShareState {
  kReady,  // its own ready endpoints
  kKept,  // none is ready under the new selector: the previous generation's endpoints, which still are
  kDraining,  // no share of the set has one of the above: endpoints that terminate but still serve
  kEmpty,     // nothing to send to: its share goes to its siblings
};

struct Condition {
  std::string
      type;  // "subset_kept", "subset_empty", "no_endpoints" (with it: none of its set has any), "invalid_backend"
  std::string cluster;  // each (type, cluster) once
  std::string message;
  model::Origin origin;

  bool operator==(const Condition&) const = default;
};

struct Share {
  std::string cluster;       // model::Cluster::key
  bool invalid = false;      // model::Cluster::invalid: answered with 500
  std::uint64_t weight = 0;  // as configured
  std::uint64_t effective_weight =
      0;  // what to pick by: 0 when kEmpty and a sibling has endpoints, else `weight`
  ShareState state = ShareState::kReady;
  model::EndpointList
      endpoints;  // ready ones (or, when none of the set is, serving terminating ones)
  model::Origin origin;
  model::TrafficPolicyPtr policy = model::default_policy();  // of the cluster; never null
  balance::HashTablesPtr tables{};  // of `endpoints`, with consistentHash; else null

  bool operator==(const Share&) const = default;
};

// A weighted set of subsets: what a route leads to. Equal sets of a snapshot share one object, so that "leads to the
// same place" is pointer equality and pick state is one per set.
struct DestinationSet {
  std::uint32_t id = 0;  // index into Snapshot::destination_sets, kept across generations
  std::string
      key;  // canonical "cluster=weight,...": stable across generations while routes stay the same
  std::vector<Share>
      shares;  // sorted by cluster, each cluster once; empty for a route without destinations
  std::vector<Condition> conditions;  // those of its shares
  // A share of weight above 0 has an endpoint; otherwise requests are answered 503.
  [[nodiscard]] bool has_endpoint() const;

  bool operator==(const DestinationSet&) const = default;
};
using DestinationSetPtr = std::shared_ptr<const DestinationSet>;

enum class Transport { kTcp, kUdp };

enum class Tier { kConnection, kRequest };

struct Listener {
  model::Listener config;
  routing::RouteTable routes;
  std::vector<std::uint32_t> route_sets;  // by Decision::route_id -> index into destination_sets
  // By Decision::route_id, of routes with mirrors: as Route::mirrors -> index into destination_sets.
  std::map<std::uint32_t, std::vector<std::uint32_t>> mirror_sets;
  std::vector<std::uint32_t> tcp_sets;  // as config.tcp_routes -> index into destination_sets
  Tier tier = Tier::kRequest;
  // For kRequest: the one thing that forces it, as a sentence with file:line where it has one. Stable code beside it.
  std::string tier_reason;
  // "steerable", "no_kernel_path", "steer_never", "forwarded_headers", "tcp_listener", "udp_listener",
  // "proxy_protocol", "access_log", those of annotations ("path_normalization", "desync_mode", "max_body_bytes",
  // "listener_max_connections"), "not_total", "no_destination", "routes_differ", "https_redirect", and those of
  // obstacles.cpp.
  std::string tier_code;
  model::Origin tier_origin;
  std::uint32_t steer_set = 0;  // with kConnection: the one destination set
  model::SteerAfter steer_after;
  bool add_forwarded_headers = false;
  // Local pods see the client's address; false with a reason: it is asked for, and cannot be here.
  bool preserve_client = false;
  std::string client_address_reason;
  // What is done to paths before they are matched and forwarded; kNone where no path decides anything.
  model::PathNormalization path_normalization = model::PathNormalization::kNone;

  [[nodiscard]] Transport transport() const {
    return config.protocol == "UDP" ? Transport::kUdp : Transport::kTcp;
  }
  bool operator==(const Listener&) const = default;  // tables and virtual hosts by pointer
};
using ListenerPtr = std::shared_ptr<const Listener>;

struct Snapshot {
  std::uint64_t generation = 0;
  std::vector<ListenerPtr> listeners;  // sorted by (port, bind)
  // By id. A key keeps its id from one generation to the next; null where an id is free.
  std::vector<DestinationSetPtr> destination_sets;
  std::map<std::string, model::ClusterPtr> clusters;
  model::Place place;  // where the agent ran when endpoints were given their priorities
  // Clusters that go on with endpoints of an earlier selector: build() carries them on while they stay valid.
  std::map<std::string, model::EndpointList> kept;
  std::vector<Condition> conditions;  // sorted by (type, cluster)

  // The listener for a connection, or a datagram, whose local address is (ip, port): exact bind first, then any.
  [[nodiscard]] const Listener* find_listener(const SocketAddress& local,
                                              Transport transport = Transport::kTcp) const;
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

struct BuildOptions {
  bool kernel_path = false;
  std::string kernel_reason;  // why not, when !kernel_path
  model::SteerAfter steer_after;
  model::ForwardedHeaders forwarded_headers = model::ForwardedHeaders::kAuto;
  model::ClientAddress client_address = model::ClientAddress::kNode;
  std::optional<model::PathNormalization>
      path_normalization;  // unset: kMergeSlashes where a path decides something
  model::DesyncMode desync_mode = model::DesyncMode::kDefensive;
  bool access_log_per_request = false;
  std::string request_flag;  // a flag that acts on every request, and how; empty: none
};

// `previous` may be null. What did not change since is taken over from it by pointer,
// at the cost of a comparison. Pure: the same arguments give the same snapshot. Fails, changing nothing, on a regular
// expression that RE2 refuses and on a destination whose cluster the world lacks; translation reports both earlier.
// Called by the update pipeline.
[[nodiscard]] Result<SnapshotPtr> build(const model::World& world, std::uint64_t generation,
                                        const SnapshotPtr& previous, const BuildOptions& options);

}  // namespace sluice::snapshot
