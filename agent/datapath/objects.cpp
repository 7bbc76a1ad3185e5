// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/objects.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <vector>

#include "agent/base/log.hpp"
#include "agent/datapath/kernel_error.hpp"
#include "bpf/abi/event.h"
#include "bpf/abi/knobs.h"
#include "bpf/abi/limits.h"
#include "lb_sk_lookup.skel.h"
#include "lb_tc.skel.h"

namespace sluice::datapath {
namespace {

struct TcDelete {
  void operator()(lb_tc* object) const { lb_tc__destroy(object); }
};
struct LookupDelete {
  void operator()(lb_sk_lookup* object) const { lb_sk_lookup__destroy(object); }
};

bpf_map_info info_of(int fd) {
  bpf_map_info info{};
  std::uint32_t size = sizeof info;
  if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0) info = {};
  return info;
}

bool same_layout(const bpf_map* map, const bpf_map_info& pinned) {
  return pinned.type == bpf_map__type(map) && pinned.key_size == bpf_map__key_size(map) &&
         pinned.value_size == bpf_map__value_size(map) &&
         pinned.map_flags == bpf_map__map_flags(map);
}

// Any connection that the kernel or a socket of ours still serves?
bool has_live_slots(int fd, std::uint32_t count) {
  std::uint32_t index = 0;
  lb_slot slot{};
  for (; index < count; ++index)
    if (bpf_map_lookup_elem(fd, &index, &slot) == 0 && slot.state != LB_SLOT_FREE) return true;
  return false;
}

class LoadedObjects final : public Objects {
 public:
  explicit LoadedObjects(const PinStore& pins) : pins_(pins) {}

  Result<void> open(const DatapathOptions& options);
  ObjectMaps maps() const override;
  TcPrograms programs() const override;
  Result<void> attach_lookup() override;
  void detach_lookup() override { lookup_link_.reset(); }
  int lookup_link() const override { return lookup_link_.get(); }

 private:
  Result<void> open_tc(const DatapathOptions& options, const lb_knobs& knobs);
  Result<void> open_lookup(const lb_knobs& knobs);
  void choose_steering_maps();
  bool reuse(bpf_map* map);
  Result<void> pin_new();

  const PinStore& pins_;
  std::unique_ptr<lb_tc, TcDelete> tc_;
  std::unique_ptr<lb_sk_lookup, LookupDelete> lookup_;
  UniqueFd lookup_link_;
  std::vector<bpf_map*> new_maps_;
};

Result<void> LoadedObjects::open(const DatapathOptions& options) {
  LibbpfMessages messages;
  const lb_knobs knobs{.upstream_port_first = options.upstream_port_first,
                       .upstream_port_last = options.upstream_port_last,
                       .workers = options.workers};
  auto loaded = open_tc(options, knobs);
  if (loaded) loaded = open_lookup(knobs);
  if (!loaded && !messages.first().empty()) loaded.error().message += " (" + messages.first() + ")";
  return loaded;
}

// Uses the pinned map of this name; false when there is none that fits.
bool LoadedObjects::reuse(bpf_map* map) {
  const std::string name = bpf_map__name(map);
  UniqueFd pinned = pins_.get(name);
  if (!pinned) {
    new_maps_.push_back(map);
    return false;
  }
  const bpf_map_info info = info_of(pinned.get());
  if (same_layout(map, info) && info.max_entries == bpf_map__max_entries(map) &&
      bpf_map__reuse_fd(map, pinned.get()) == 0)
    return true;
  const std::string aside = pins_.set_aside(name);
  log::warn("datapath",
            "the pinned map {} has another layout; kept aside as {}, starting with an empty one",
            pins_.path(name), aside);
  new_maps_.push_back(map);
  return false;
}

// Slots and flows refer to each other: both are taken over, or neither is.
void LoadedObjects::choose_steering_maps() {
  bpf_map* const slots = tc_->maps.lb_slots;
  bpf_map* const flows = tc_->maps.lb_flows;
  UniqueFd old_slots = pins_.get("lb_slots");
  UniqueFd old_flows = pins_.get("lb_flows");
  const bpf_map_info slots_info = old_slots ? info_of(old_slots.get()) : bpf_map_info{};
  const bpf_map_info flows_info = old_flows ? info_of(old_flows.get()) : bpf_map_info{};
  const bool fits =
      old_slots && old_flows && same_layout(slots, slots_info) && same_layout(flows, flows_info);
  const bool same_size = slots_info.max_entries == bpf_map__max_entries(slots) &&
                         flows_info.max_entries == bpf_map__max_entries(flows);
  if (fits && !same_size && has_live_slots(old_slots.get(), slots_info.max_entries)) {
    log::warn("datapath",
              "the pinned table holds {} steered connections, not {}; it has live ones and stays "
              "as it is",
              slots_info.max_entries, bpf_map__max_entries(slots));
    (void)bpf_map__set_max_entries(slots, slots_info.max_entries);
    (void)bpf_map__set_max_entries(flows, flows_info.max_entries);
  } else if (fits && !same_size) {
    pins_.remove("lb_slots");
    pins_.remove("lb_flows");
  } else if (!fits) {
    for (const char* name : {"lb_slots", "lb_flows"}) {
      if (const std::string aside = pins_.set_aside(name); !aside.empty())
        log::warn("datapath", "the pinned map {} has another layout; kept aside as {}",
                  pins_.path(name), aside);
    }
  }
  (void)reuse(slots);
  (void)reuse(flows);
}

Result<void> LoadedObjects::open_tc(const DatapathOptions& options, const lb_knobs& knobs) {
  tc_.reset(lb_tc__open());
  if (!tc_) return kernel_failure("cannot open the TC object", errno);
  tc_->rodata->knobs = knobs;
  const std::uint32_t slots =
      std::clamp(options.max_steered, 1U, static_cast<std::uint32_t>(LB_MAX_SLOTS));
  (void)bpf_map__set_max_entries(tc_->maps.lb_slots, slots);
  (void)bpf_map__set_max_entries(tc_->maps.lb_flows, 2 * slots);
  choose_steering_maps();
  for (bpf_map* map : {tc_->maps.lb_legs, tc_->maps.lb_rings, tc_->maps.lb_listeners,
                       tc_->maps.lb_counters, tc_->maps.lb_first_bytes, tc_->maps.lb_sources})
    (void)reuse(map);
  if (const int result = lb_tc__load(tc_.get()); result < 0)
    return kernel_failure("cannot load the TC programs", result);
  return pin_new();
}

Result<void> LoadedObjects::pin_new() {
  for (bpf_map* map : new_maps_) {
    if (auto pinned = pins_.pin(bpf_map__fd(map), bpf_map__name(map)); !pinned) return pinned;
  }
  new_maps_.clear();
  return {};
}

Result<void> LoadedObjects::open_lookup(const lb_knobs& knobs) {
  lookup_.reset(lb_sk_lookup__open());
  if (!lookup_) return kernel_failure("cannot open the sk_lookup object", errno);
  lookup_->rodata->knobs = knobs;
  int result = bpf_map__reuse_fd(lookup_->maps.lb_listeners, bpf_map__fd(tc_->maps.lb_listeners));
  if (result == 0)
    result = bpf_map__reuse_fd(lookup_->maps.lb_counters, bpf_map__fd(tc_->maps.lb_counters));
  if (result == 0) result = lb_sk_lookup__load(lookup_.get());
  if (result < 0) return kernel_failure("cannot load the sk_lookup program", result);
  return {};
}

ObjectMaps LoadedObjects::maps() const {
  return {.flows = bpf_map__fd(tc_->maps.lb_flows),
          .slots = bpf_map__fd(tc_->maps.lb_slots),
          .legs = bpf_map__fd(tc_->maps.lb_legs),
          .sources = bpf_map__fd(tc_->maps.lb_sources),
          .rings = bpf_map__fd(tc_->maps.lb_rings),
          .listeners = bpf_map__fd(tc_->maps.lb_listeners),
          .counters = bpf_map__fd(tc_->maps.lb_counters),
          .first_bytes = bpf_map__fd(tc_->maps.lb_first_bytes),
          .sockets = bpf_map__fd(lookup_->maps.lb_sockets),
          .slot_count = bpf_map__max_entries(tc_->maps.lb_slots),
          .flow_count = bpf_map__max_entries(tc_->maps.lb_flows),
          .leg_count = bpf_map__max_entries(tc_->maps.lb_legs)};
}

TcPrograms LoadedObjects::programs() const {
  return {.ethernet = {.ingress = bpf_program__fd(tc_->progs.lb_ingress),
                       .egress = bpf_program__fd(tc_->progs.lb_egress)},
          .headerless = {.ingress = bpf_program__fd(tc_->progs.lb_ingress_l3),
                         .egress = bpf_program__fd(tc_->progs.lb_egress_l3)}};
}

Result<void> LoadedObjects::attach_lookup() {
  LibbpfMessages messages;
  // The calling thread's namespace, which is not the process's in a test that changed only its own.
  UniqueFd netns(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!netns) return kernel_failure("cannot open the network namespace", errno);
  const int link = bpf_link_create(bpf_program__fd(lookup_->progs.lb_sk_lookup), netns.get(),
                                   BPF_SK_LOOKUP, nullptr);
  if (link < 0) return kernel_failure("cannot attach sk_lookup", link);
  lookup_link_.reset(link);
  return {};
}

}  // namespace

Result<std::unique_ptr<Objects>> Objects::load(const DatapathOptions& options,
                                               const PinStore& pins) {
  auto objects = std::make_unique<LoadedObjects>(pins);
  if (auto opened = objects->open(options); !opened) return tl::unexpected(opened.error());
  return std::unique_ptr<Objects>(std::move(objects));
}

}  // namespace sluice::datapath
