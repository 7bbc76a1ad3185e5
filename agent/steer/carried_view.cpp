// SPDX-License-Identifier: Apache-2.0
#include "agent/steer/carried_view.hpp"

#include "agent/steer/slot_state.hpp"
#include "agent/steer/tracking.hpp"

namespace sluice::steer {

proxy::Carried carried(std::uint32_t index, lb_slot& slot, const SteeredSet::Entry& entry) {
  proxy::Carried out;
  out.id = {index, slot.generation};
  out.client = datapath::source_of(slot.client);
  out.local = datapath::destination_of(slot.client);
  out.endpoint = datapath::source_of(slot.pod);
  out.cluster_hash = slot.cluster;
  out.requests = read_shared(slot.turns);
  out.requests_before = entry.requests_before;
  out.since = TimePoint(Nanoseconds(slot.installed_ns));
  // lb_tc keeps the low 32 bits of nanoseconds >> 20, and never from before the promotion.
  const std::uint32_t later =
      read_shared(slot.last_seen) - static_cast<std::uint32_t>(slot.installed_ns >> 20);
  out.last_packet = out.since + Nanoseconds(std::uint64_t{later} << 20);
  out.armed = entry.move.has_value();
  out.answering = read_shared(slot.last_direction) == LB_TO_POD;
  out.movable = is_movable(slot);
  out.shown = shows_client(slot);
  return out;
}

}  // namespace sluice::steer
