// SPDX-License-Identifier: Apache-2.0
// From gateways and linked virtual services to the World's listeners. Called by translator.cpp.
// Thread: main. Pure.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "agent/config/translate/virtual_hosts.hpp"

namespace sluice::config {

// What a load leaves to the next, so that what did not change is not made again. Forgotten when a Gateway changes.
struct WorldMemory {
  std::map<std::string, VirtualHostMemory> listeners;  // by name
  Clusters clusters;
  bool filled = false;
};

// `services` in (creation time, namespace, name) order, as in SpecSet. Only gateways whose selector
// fits `gateway_labels` make listeners. Clusters that no listener's route names are left out.
// `memory` is of the load before and is brought up to date.
[[nodiscard]] model::World build_world(const SpecSet& specs, LinkedServices services,
                                       const Labels& gateway_labels,
                                       const std::string& cluster_domain, WorldMemory& memory,
                                       Diagnostics& diagnostics);

// How its hosts, exportTo and kinds of routes fit the gateways that it names.
void check_placement(const VirtualServiceSpec& spec, const SpecSet& specs,
                     const std::string& cluster_domain, Diagnostics& diagnostics);

// The gateways that the virtual service names and that do not exist.
void check_gateways(const VirtualServiceSpec& spec, const SpecSet& specs, Diagnostics& problems);

}  // namespace sluice::config
