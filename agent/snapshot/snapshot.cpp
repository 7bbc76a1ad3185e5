// SPDX-License-Identifier: Apache-2.0
#include "agent/snapshot/snapshot.hpp"

#include <algorithm>

namespace sluice::snapshot {

bool DestinationSet::has_endpoint() const {
  return std::ranges::any_of(
      shares, [](const Share& share) { return share.weight > 0 && !share.endpoints.empty(); });
}

const Listener* Snapshot::find_listener(const SocketAddress& local, Transport transport) const {
  const auto at_port = std::ranges::equal_range(
      listeners, local.port, {}, [](const ListenerPtr& listener) { return listener->config.port; });
  const Listener* any = nullptr;
  for (const ListenerPtr& listener : at_port) {
    if (listener->transport() != transport) continue;
    if (listener->config.bind == local.ip) return listener.get();
    if (!listener->config.bind) any = listener.get();
  }
  return any;
}

}  // namespace sluice::snapshot
