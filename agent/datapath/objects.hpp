// SPDX-License-Identifier: Apache-2.0
// Objects: both BPF objects, loaded against the pinned maps. Owned by Datapath; the only user of
// the skeletons. Thread: main. Invariants: a map is pinned as soon as it exists; slots and flows
// are always of one generation of maps.
#pragma once
#include <memory>

#include "agent/base/error.hpp"
#include "agent/datapath/attacher.hpp"
#include "agent/datapath/datapath.hpp"
#include "agent/datapath/pin_store.hpp"

namespace sluice::datapath {

struct ObjectMaps {
  int flows = -1;
  int slots = -1;
  int legs = -1;
  int sources = -1;  // addresses shown to pods
  int rings = -1;
  int listeners = -1;
  int counters = -1;
  int first_bytes = -1;
  int sockets = -1;
  std::uint32_t slot_count = 0;
  std::uint32_t flow_count = 0;
  std::uint32_t leg_count = 0;
};

class Objects {
 public:
  static Result<std::unique_ptr<Objects>> load(const DatapathOptions& options,
                                               const PinStore& pins);
  virtual ~Objects() = default;

  [[nodiscard]] virtual ObjectMaps maps() const = 0;
  [[nodiscard]] virtual TcPrograms programs() const = 0;
  // Starts to give connections of the current network namespace to lb_sockets; ends with the
  // object.
  virtual Result<void> attach_lookup() = 0;
  virtual void detach_lookup() = 0;
  [[nodiscard]] virtual int lookup_link() const = 0;  // -1: not attached
};

}  // namespace sluice::datapath
