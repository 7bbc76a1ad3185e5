// SPDX-License-Identifier: Apache-2.0
// CarriedView: a slot and its entry in the proxy's words. Thread: worker.
#pragma once
#include "agent/proxy/steering.hpp"
#include "agent/steer/steered_set.hpp"

namespace sluice::steer {

[[nodiscard]] proxy::Carried carried(std::uint32_t index, lb_slot& slot,
                                     const SteeredSet::Entry& entry);

}  // namespace sluice::steer
