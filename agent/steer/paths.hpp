// SPDX-License-Identifier: Apache-2.0
// Paths: what a worker must know of the node's interfaces to install a flow: an immutable picture
// that main replaces when links change. Thread: any (const).
#pragma once
#include <cstdint>
#include <memory>
#include <unordered_map>

namespace sluice::steer {

struct Path {
  bool attached = false;       // lb_tc sees what comes in here
  bool peer_redirect = false;  // packets can enter the other end's namespace at once (veth, netkit)
};

struct Paths {
  std::unordered_map<std::uint32_t, Path> by_index;
  // What lb_tc caps the segment size of steerable listeners to; 0 = no cap.
  std::uint16_t mss4 = 0;
  std::uint16_t mss6 = 0;
};
using PathsPtr = std::shared_ptr<const Paths>;

}  // namespace sluice::steer
