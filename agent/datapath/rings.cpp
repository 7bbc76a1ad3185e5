// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/rings.hpp"

#include <bpf/bpf.h>

#include "agent/datapath/kernel_error.hpp"
#include "bpf/abi/limits.h"

namespace sluice::datapath {
namespace {

bool is_usable(int fd) {
  bpf_map_info info{};
  std::uint32_t size = sizeof info;
  return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.type == BPF_MAP_TYPE_RINGBUF &&
         info.max_entries == LB_RING_BYTES;
}

Result<UniqueFd> create(const PinStore& pins, const std::string& name) {
  UniqueFd ring(bpf_map_create(BPF_MAP_TYPE_RINGBUF, "lb_ring", 0, 0, LB_RING_BYTES, nullptr));
  if (!ring) return kernel_failure("cannot create an event ring", ring.get());
  if (auto pinned = pins.pin(ring.get(), name); !pinned) return tl::unexpected(pinned.error());
  return ring;
}

}  // namespace

Result<Rings> Rings::open(const PinStore& pins, int outer_map, std::uint32_t workers) {
  Rings result;
  for (std::uint32_t worker = 0; worker < LB_MAX_WORKERS; ++worker) {
    const std::string name = "ring_" + std::to_string(worker);
    UniqueFd ring = pins.get(name);
    if (ring && !is_usable(ring.get())) {
      ring.reset();
      pins.remove(name);
    }
    if (!ring && worker < workers) {
      auto created = create(pins, name);
      if (!created) return tl::unexpected(created.error());
      ring = std::move(*created);
    }
    if (const int fd = ring.get(); ring) {
      if (const int error = bpf_map_update_elem(outer_map, &worker, &fd, BPF_ANY); error < 0)
        return kernel_failure("cannot enter an event ring", error);
    }
    result.rings_.push_back(std::move(ring));
  }
  return result;
}

std::vector<int> Rings::fds() const {
  std::vector<int> result;
  result.reserve(rings_.size());
  for (const UniqueFd& ring : rings_) result.push_back(ring.get());
  return result;
}

}  // namespace sluice::datapath
