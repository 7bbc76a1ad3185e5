// SPDX-License-Identifier: Apache-2.0
// The virtual hosts of one listener: gateway hosts x virtual service hosts, several services for
// one host merged. Called by translate/listeners. Thread: main. Pure.
#pragma once
#include <set>
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

// Does the virtual service name the gateway, and is it exported to its namespace?
[[nodiscard]] bool binds(const VirtualServiceSpec& spec, const GatewaySpec& gateway);
// The hosts that the server offers and the virtual service serves, the narrower of each pair. With repetitions.
[[nodiscard]] std::vector<std::string> shared_domains(const VirtualServiceSpec& spec,
                                                      const ServerSpec& server,
                                                      const std::string& cluster_domain);
// Is a match with these `gateways` one for requests through one of `through`?
[[nodiscard]] bool seen_through(const std::vector<std::string>& gateways,
                                const std::set<std::string>& through);

// A server with tls.httpsRedirect makes virtual hosts of all that it offers, with one route that redirects.
// Several virtual services for one host are merged in order: the older one's routes come first,
// routes that match everything last. Routes that can never be reached because of another service
// are reported.
[[nodiscard]] std::vector<model::VirtualHostPtr> build_virtual_hosts(
    const std::vector<BoundServer>& servers, const std::vector<LinkedVirtualService>& services,
    const std::string& cluster_domain, Diagnostics& diagnostics);

}  // namespace sluice::config
