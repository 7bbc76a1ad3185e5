// SPDX-License-Identifier: Apache-2.0
// Programmed: what no single agent knows of a Gateway: which addresses it has, and whether every agent has it in force.
// Pure. Called by Member. Thread: any.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/cluster/address_pool.hpp"
#include "agent/config/status.hpp"

namespace sluice::cluster {

// Names a Gateway or ListenerSet in one generation, with the addresses that its status has: what an agent writes into
// its lease once it has exactly that in force.
[[nodiscard]] std::string acknowledgement(const config::GatewayStatus& gateway);
// Of all that this agent can serve, sorted and separated by spaces. `broken`: "namespace/name" of those that it cannot.
[[nodiscard]] std::string acknowledgements(const config::StatusReport& report,
                                           const std::set<std::string>& broken);

// The words of each agent's acknowledgement, by node.
using Acknowledged = std::map<std::string, std::set<std::string>>;

struct Decision {
  config::GatewayStatus status;  // `addresses`: as they are to be
  bool waiting = false;          // some agents have not got it yet
};
[[nodiscard]] Decision decide(const config::GatewayStatus& reported, const AddressGrant& grant,
                              const Acknowledged& agents);

}  // namespace sluice::cluster
