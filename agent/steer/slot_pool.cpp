// SPDX-License-Identifier: Apache-2.0
#include "agent/steer/slot_pool.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "agent/base/assert.hpp"
#include "agent/steer/slot_state.hpp"

namespace sluice::steer {
namespace {

// USED belonged to sockets of a process that is gone; ENDED was never collected, its entries are
// gone already.
void mend(lb_slot& slot) {
  switch (state_of(slot)) {
    case LB_SLOT_USED:
    case LB_SLOT_ENDED:
      set_state(slot, LB_SLOT_FREE);
      break;
    case LB_SLOT_ARMED:
    case LB_SLOT_HELD:
    case LB_SLOT_NORMAL:
      write_shared(slot.hold, std::uint8_t{0});
      // A CAS chain, for lb_tc may end the flow meanwhile.
      (void)(change_state(slot, LB_SLOT_HELD, LB_SLOT_NORMAL) ||
             change_state(slot, LB_SLOT_ARMED, LB_SLOT_NORMAL));
      break;
    default:
      break;
  }
}

std::size_t owner_of(const lb_slot& slot, std::size_t index, std::size_t count,
                     std::span<const PortRange> ports) {
  const std::uint16_t port = ntohs(slot.pod.destination_port);
  for (std::size_t w = 0; w < ports.size(); ++w) {
    if (port >= ports[w].first && port <= ports[w].last) return w;
  }
  return index * ports.size() / count;
}

}  // namespace

std::vector<PortRange> divide_ports(std::uint16_t first, std::uint16_t last,
                                    std::uint32_t workers) {
  const std::uint32_t size = static_cast<std::uint32_t>(last - first) + 1;
  LB_ASSERT(workers >= 1 && size >= workers);
  std::vector<PortRange> out;
  for (std::uint32_t w = 0; w < workers; ++w) {
    out.push_back({static_cast<std::uint16_t>(first + size * w / workers),
                   static_cast<std::uint16_t>(first + size * (w + 1) / workers - 1)});
  }
  return out;
}

std::vector<SlotShare> divide_slots(std::span<lb_slot> slots, std::span<const PortRange> ports) {
  std::vector<SlotShare> shares(ports.size());
  // Backwards, so that take() hands out low indexes first and few pages of the array are touched.
  for (std::size_t i = slots.size(); i-- > 0;) {
    lb_slot& slot = slots[i];
    mend(slot);
    const lb_slot_state state = state_of(slot);
    const auto index = static_cast<std::uint32_t>(i);
    if (state == LB_SLOT_FREE) {
      shares[i * ports.size() / slots.size()].free.push_back(index);
      continue;
    }
    const std::size_t owner = owner_of(slot, i, slots.size(), ports);
    write_shared(slot.owner, static_cast<std::uint32_t>(owner));
    if (state == LB_SLOT_PASS) {
      shares[owner].given_back.push_back(index);
    } else {
      shares[owner].adopted.push_back(index);
    }
  }
  return shares;
}

void divide_sources(const std::vector<datapath::SourcePair>& sources,
                    std::span<const PortRange> ports, std::vector<SlotShare>& shares) {
  for (const datapath::SourcePair& pair : sources) {
    const std::uint16_t port = ntohs(pair.answer.destination_port);
    const auto owner = std::ranges::find_if(ports, [port](const PortRange& range) {
      return port >= range.first && port <= range.last;
    });
    const auto index = owner == ports.end() ? 0 : owner - ports.begin();
    shares[static_cast<std::size_t>(index)].sources.push_back(pair);
  }
}

std::optional<std::uint32_t> SlotPool::take() {
  if (free_.empty()) return std::nullopt;
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  return slot;
}

}  // namespace sluice::steer
