// SPDX-License-Identifier: Apache-2.0
// Which interfaces lead to more than the one host at their other end, from rtnetlink's route messages. Packets may be
// put into the other end's namespace at once (bpf_redirect_peer) only where that host is the endpoint itself: behind
// the veth of a node that is itself a container there is a bridge. Called by LinkMonitor. Thread: main. Pure.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sluice::datapath {

// The interfaces through which this RTM_NEWROUTE leads on: by a gateway, or to a network. Empty for routes to single
// hosts, to the node itself and within a link, and for what is malformed.
[[nodiscard]] std::vector<std::uint32_t> interfaces_leading_on(std::span<const std::byte> body);

}  // namespace sluice::datapath
