// SPDX-License-Identifier: Apache-2.0
// From gateways and linked virtual services to the World's listeners. Called by translator.cpp.
// Thread: main. Pure.
#pragma once
#include <vector>

#include "agent/config/translate/destination.hpp"

namespace sluice::config {

// `services` in (creation time, namespace, name) order, as in SpecSet. Only gateways whose selector
// fits `gateway_labels` make listeners. Clusters that no listener's route names are left out.
[[nodiscard]] model::World build_world(const SpecSet& specs,
                                       const std::vector<LinkedVirtualService>& services,
                                       const Labels& gateway_labels,
                                       const std::string& cluster_domain, Diagnostics& diagnostics);

// The gateways that the virtual service names and that do not exist.
void check_gateways(const VirtualServiceSpec& spec, const SpecSet& specs, Diagnostics& problems);

}  // namespace sluice::config
