// SPDX-License-Identifier: Apache-2.0
// Rings: one event ring a worker, pinned as ring_<worker>, entered in lb_rings. Owned by Datapath.
// Thread: main. Invariants: rings of an earlier agent with more workers stay, so that its events
// can still be read.
#pragma once
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/datapath/pin_store.hpp"

namespace sluice::datapath {

class Rings {
 public:
  static Result<Rings> open(const PinStore& pins, int outer_map, std::uint32_t workers);
  [[nodiscard]] std::vector<int> fds() const;  // by worker; -1 = none

 private:
  std::vector<UniqueFd> rings_;
};

}  // namespace sluice::datapath
