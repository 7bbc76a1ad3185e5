// SPDX-License-Identifier: Apache-2.0
// The virtual hosts of one listener: gateway hosts x virtual service hosts, several services for
// one host merged. Called by translate/listeners. Thread: main. Pure.
#pragma once
#include <string>
#include <vector>

#include "agent/config/translate/destination.hpp"

namespace sluice::config {

struct BoundServer {
  const GatewaySpec* gateway = nullptr;
  const ServerSpec* server = nullptr;
};

// Does the gateway's host entry admit virtual services of this namespace?
[[nodiscard]] bool admits(const GatewayHost& host, const std::string& name_space);

// Several virtual services for one host are merged in order: the older one's routes come first,
// routes that match everything last. Routes that can never be reached because of another service
// are reported.
[[nodiscard]] std::vector<model::VirtualHostPtr> build_virtual_hosts(
    const std::vector<BoundServer>& servers, const std::vector<LinkedVirtualService>& services,
    const std::string& cluster_domain, Diagnostics& diagnostics);

}  // namespace sluice::config
