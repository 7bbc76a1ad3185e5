// SPDX-License-Identifier: Apache-2.0
// World: the whole desired state after translation, as plain values: the input of snapshot::build. Thread: any.
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

enum class ForwardedHeaders {
  kAuto,  // none on steerable listeners, add on all others
  kAdd,   // always; such a listener is not steerable
  kNone,  // never
};

// One address and port that accepts connections. Several Gateways may share it; virtual hosts are merged.
struct Listener {
  std::string name;               // "0.0.0.0:80" or "192.0.2.1:80"; unique
  std::optional<IpAddress> bind;  // nullopt = every local address
  std::uint16_t port = 0;
  std::string protocol = "HTTP";
  std::optional<SteerAfter> steer_after;              // annotation sluice.dev/steer-after
  std::optional<ForwardedHeaders> forwarded_headers;  // annotation sluice.dev/forwarded-headers
  std::vector<std::string> gateways;                  // "default/echo-gateway"
  std::vector<VirtualHost> virtual_hosts;
  Origin origin;
};

struct World {
  std::vector<Listener> listeners;          // sorted by (port, bind)
  std::map<std::string, Cluster> clusters;  // by key; every key that a destination names is present
};

}  // namespace sluice::model
