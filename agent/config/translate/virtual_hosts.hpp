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

  bool operator==(const BoundServer&) const = default;
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

// A virtual service as seen through the gateways of the listener that let it in.
struct Binding {
  const LinkedVirtualService* service = nullptr;
  std::set<std::string> gateways;

  bool operator==(const Binding&) const = default;
};

// The virtual hosts of one listener as the load before made them, with what of.
struct VirtualHostMemory {
  struct Group {
    std::vector<Binding> bindings;  // empty: a host that redirects to https
    std::vector<std::string> domains;
    model::VirtualHostPtr host;
    Diagnostics problems;
  };
  std::vector<BoundServer> servers;
  LinkedServices services;  // keeps alive what bindings point to
  std::vector<Group> groups;
  // Of the last call: the virtual services that were linked again since the one before, and whether the hosts
  // name the same clusters as then.
  LinkedServices relinked;
  bool same_clusters = false;
};

// A server with tls.httpsRedirect makes virtual hosts of all that it offers, with one route that redirects.
// Several virtual services for one host are merged in order: the older one's routes come first,
// routes that match everything last. Routes that can never be reached because of another service
// are reported. A virtual host whose services did not change since `memory` is the same object.
[[nodiscard]] std::vector<model::VirtualHostPtr> build_virtual_hosts(
    const std::vector<BoundServer>& servers, const LinkedServices& services,
    const std::string& cluster_domain, VirtualHostMemory& memory, Diagnostics& diagnostics);

}  // namespace sluice::config
