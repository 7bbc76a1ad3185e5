// SPDX-License-Identifier: Apache-2.0
// Snapshot: one immutable generation of everything the data path decides by. Built on main, read by workers and by
// explain through a SnapshotPtr; a request keeps the pointer it started with.
// Thread: any (const). Invariants: indexes inside a snapshot are valid; nothing in it changes after build().
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/model/world.hpp"
#include "agent/routing/route_table.hpp"

namespace sluice::snapshot {

enum class ShareState {
  kReady,  // its own ready endpoints
  kKept,   // none is ready under the new selector: the previous generation's endpoints, which still are
  kEmpty,  // nothing to send to: its share goes to its siblings
};

struct Share {
  std::string cluster;                // model::Cluster::key
  std::uint64_t weight = 0;           // as configured
  std::uint64_t effective_weight = 0;  // 0 when kEmpty and a sibling has endpoints
  ShareState state = ShareState::kReady;
  std::vector<model::Endpoint> endpoints;  // ready ones (or, when none of the set is, serving terminating ones)
  model::Origin origin;
};

// A weighted set of subsets: what a route leads to. Equal sets of a snapshot share one object, so that "leads to the same
// place" is pointer equality and pick state is one per set.
struct DestinationSet {
  std::uint32_t id = 0;  // index into Snapshot::destination_sets
  std::string key;       // canonical "cluster=weight,...": stable across generations while routes stay the same
  std::vector<Share> shares;
  [[nodiscard]] bool has_endpoint() const;
};

enum class Tier { kConnection, kRequest };

struct Listener {
  model::Listener config;
  routing::RouteTable routes;
  std::vector<std::uint32_t> route_sets;  // by Decision::route_id -> index into destination_sets
  Tier tier = Tier::kRequest;
  // For kRequest: the one thing that forces it, as a sentence with file:line where it has one. Stable code beside it.
  std::string tier_reason;
  std::string tier_code;  // "steerable", "routes_differ", "not_total", "steer_never", "forwarded_headers", "no_kernel_path"
  model::Origin tier_origin;
  std::uint32_t steer_set = 0;  // with kConnection: the one destination set
  model::SteerAfter steer_after;
  bool add_forwarded_headers = false;
};

struct Condition {
  std::string type;     // "subset_kept", "subset_empty", "no_endpoints"
  std::string cluster;
  std::string message;
  model::Origin origin;
};

struct Snapshot {
  std::uint64_t generation = 0;
  std::vector<Listener> listeners;  // sorted by (port, bind)
  std::vector<DestinationSet> destination_sets;
  std::map<std::string, model::Cluster> clusters;
  std::vector<Condition> conditions;

  // The listener for a connection whose local address is (ip, port): exact bind first, then any.
  [[nodiscard]] const Listener* find_listener(const SocketAddress& local) const;
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

struct BuildOptions {
  bool kernel_path = false;
  std::string kernel_reason;  // why not, when !kernel_path
  model::SteerAfter steer_after;
  model::ForwardedHeaders forwarded_headers = model::ForwardedHeaders::kAuto;
};

// `previous` may be null. Pure: the same arguments give the same snapshot.
[[nodiscard]] Result<SnapshotPtr> build(const model::World& world, std::uint64_t generation,
                                        const SnapshotPtr& previous, const BuildOptions& options);

}  // namespace sluice::snapshot
