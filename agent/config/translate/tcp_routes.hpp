// SPDX-License-Identifier: Apache-2.0
// The TCP routes of one listener: those of the virtual services that its gateways let in, in order. Called by
// translate/listeners. Thread: main. Pure.
#pragma once
#include <string>
#include <vector>

#include "agent/config/translate/virtual_hosts.hpp"

namespace sluice::config {

// The older virtual service's routes come first, and the first match wins. Routes behind one that takes every
// connection are reported.
[[nodiscard]] std::vector<model::TcpRoute> build_tcp_routes(const std::vector<BoundServer>& servers,
                                                            const LinkedServices& services,
                                                            const std::string& cluster_domain,
                                                            Diagnostics& diagnostics);

}  // namespace sluice::config
