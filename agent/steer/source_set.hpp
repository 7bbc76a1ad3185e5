// SPDX-License-Identifier: Apache-2.0
// SourceSet: one worker's upstream connections that show their client's address to a local pod (docs/adr/0007): whether
// it can be shown, and the entries of lb_sources for as long as a connection, or what TCP still says of it, lives.
// Callers: WorkerSteering. Thread: worker. Invariants: the entries of a port are there before its socket's SYN leaves,
// and until the port has rested; entries of an agent that may still run are not touched.
#pragma once
#include <optional>
#include <queue>
#include <span>
#include <unordered_map>
#include <vector>

#include "agent/base/clock.hpp"
#include "agent/base/ip_address.hpp"
#include "agent/datapath/flow_table.hpp"
#include "agent/datapath/route_finder.hpp"
#include "agent/proxy/steering.hpp"
#include "agent/steer/paths.hpp"
#include "agent/steer/port_pool.hpp"
#include "agent/steer/slot_pool.hpp"

namespace sluice::steer {

class SourceSet {
 public:
  // What earlier agents left: entries of steered connections are kept with them, others for as long as the kernel knows
  // a socket of theirs, for such an agent may still run.
  SourceSet(const Clock& clock, datapath::FlowTable& flows, const SlotShare& share,
            const PortPool& ports);

  // Interfaces may have changed: what is known of routes is forgotten.
  void set_paths(PathsPtr paths);
  // kClient: it can be shown, and `route` is the way to the pod.
  [[nodiscard]] proxy::Shown judge(const IpAddress& client, const SocketAddress& endpoint,
                                   datapath::Route& route);
  // The port may be used for a connection to that endpoint: no other agent's entries are in the way.
  [[nodiscard]] bool claim(const SocketAddress& endpoint, std::uint16_t port);
  [[nodiscard]] proxy::Shown add(const IpAddress& client, const SocketAddress& endpoint,
                                 std::uint16_t port, const datapath::Route& route);
  // The port is free again from `ready` on.
  void retire(const SocketAddress& endpoint, std::uint16_t port, TimePoint ready);
  // Removes what is due.
  void tick();
  // Another agent has the map from now on.
  void let_go();

  [[nodiscard]] std::size_t size() const { return pairs_.size(); }

 private:
  struct Place {
    SocketAddress endpoint;
    std::uint16_t port = 0;
    bool operator==(const Place&) const = default;
  };
  struct PlaceHash {
    std::size_t operator()(const Place& place) const {
      return SocketAddressHash{}(place.endpoint) * 31 + place.port;
    }
  };
  struct Pair {
    datapath::SourcePair keys;
    bool foreign = false;                // of an earlier agent's own sockets
    TimePoint ready = TimePoint::max();  // retired: removed then
  };
  struct Due {
    TimePoint ready;
    Place place;
    bool operator>(const Due& other) const { return ready > other.ready; }
  };
  struct KnownRoute {
    std::optional<datapath::Route> route;
    TimePoint until{};
  };

  [[nodiscard]] static Place place_of(const lb_tuple& answer);
  void look_after_foreign();
  [[nodiscard]] std::optional<datapath::Route> route_to(const IpAddress& endpoint);

  const Clock& clock_;
  datapath::FlowTable& flows_;
  std::optional<datapath::RouteFinder> finder_;
  PathsPtr paths_ = std::make_shared<Paths>();
  std::unordered_map<IpAddress, KnownRoute, IpAddressHash> routes_;
  std::unordered_map<Place, Pair, PlaceHash> pairs_;
  std::vector<Place> foreign_;
  TimePoint next_look_{};  // at those
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  TimePoint full_until_{};
  bool let_go_ = false;
};

}  // namespace sluice::steer
