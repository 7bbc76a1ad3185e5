// SPDX-License-Identifier: Apache-2.0
// World: the whole desired state after translation, as plain values: the input of snapshot::build. Thread: any.
// Invariants: virtual hosts and clusters are immutable and shared between worlds: what is unchanged keeps its pointer.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/ip_address.hpp"
#include "agent/model/endpoint.hpp"
#include "agent/model/origin.hpp"
#include "agent/model/route.hpp"

namespace sluice::model {

// How many requests a connection serves in the request tier before the kernel takes it.
struct SteerAfter {
  enum class Mode { kNever, kAuto, kCount };
  Mode mode = Mode::kAuto;
  std::uint32_t count = 1;  // with kCount: at the count-th request; 1 = at the first

  bool operator==(const SteerAfter&) const = default;
  // "never", "auto" or a number from 1 to 1000000.
  static std::optional<SteerAfter> parse(const std::string& text);
};

// Whose address pods see as that of their peer.
enum class ClientAddress : std::uint8_t {
  kNode,
  kPreserve,  // the client's, where the pod is local
};

enum class ForwardedHeaders {
  kAuto,  // none on steerable listeners, add on all others
  kAdd,   // always; such a listener is not steerable
  kNone,  // never
};

// What is done to a path before it is matched and forwarded (Istio pathNormalization); each includes those before it.
enum class PathNormalization : std::uint8_t {
  kNone,
  kBase,          // dot segments resolved, backslash as slash, unreserved percent-encodings decoded
  kMergeSlashes,  // and // becomes /
  kDecodeAndMergeSlashes,  // and %2F, %5C become / first
};

// How strictly requests are read; classes of ambiguity are counted in every mode.
enum class DesyncMode : std::uint8_t {
  kMonitor,    // what has one safe reading is served and counted, after being made unambiguous
  kDefensive,  // and what is ambiguous is refused or served on a connection that is closed afterwards
  kStrictest,  // whatever is not plainly RFC 9112 is refused
};

// One address and port that accepts connections. Several Gateways may share it; virtual hosts are merged.
struct Listener {
  std::string name;               // "0.0.0.0:80" or "192.0.2.1:80"; unique
  std::optional<IpAddress> bind;  // nullopt = every local address
  std::uint16_t port = 0;
  std::string protocol =
      "HTTP";  // or "TCP" or "UDP", which have tcp_routes instead of virtual_hosts
  std::optional<SteerAfter> steer_after;                // annotation sluice.dev/steer-after
  std::optional<ForwardedHeaders> forwarded_headers;    // annotation sluice.dev/forwarded-headers
  std::optional<ClientAddress> client_address;          // annotation sluice.dev/client-address
  std::optional<PathNormalization> path_normalization;  // annotation sluice.dev/path-normalization
  std::optional<DesyncMode> desync_mode;                // annotation sluice.dev/desync-mode
  std::optional<std::uint32_t> max_connections;         // annotation sluice.dev/max-connections
  std::optional<std::uint64_t> max_body_bytes;          // annotation sluice.dev/max-body-bytes
  bool proxy_protocol =
      false;  // annotation sluice.dev/proxy-protocol: "accept", from trusted addresses
  std::vector<std::string> gateways;          // "default/echo-gateway"
  std::vector<VirtualHostPtr> virtual_hosts;  // none is null
  std::vector<TcpRoute> tcp_routes;
  Origin origin;

  bool operator==(const Listener&) const = default;  // virtual hosts by pointer
};

struct World {
  std::vector<Listener> listeners;  // sorted by (port, bind)
  // By key, none is null; every key that a destination names is present.
  std::map<std::string, ClusterPtr> clusters;
  Place place;  // where this agent runs
};

}  // namespace sluice::model
