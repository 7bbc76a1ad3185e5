// SPDX-License-Identifier: Apache-2.0
// The way into TC of kernels before 6.6: a filter on the clsact qdisc, under a priority and handle
// of our own. Called by Attacher. Thread: main. Invariants: only filters whose program is ours are
// replaced or removed; the qdisc itself stays, others may use it.
#pragma once
#include <cstdint>

#include "agent/base/error.hpp"

namespace sluice::datapath {

Result<void> clsact_attach(std::uint32_t ifindex, int ingress_program, int egress_program);
void clsact_detach(std::uint32_t ifindex);
// Is a filter of ours on this hook? For status and tests.
[[nodiscard]] bool clsact_is_attached(std::uint32_t ifindex, bool egress);

}  // namespace sluice::datapath
