// SPDX-License-Identifier: Apache-2.0
#include "agent/steer/port_pool.hpp"

#include <algorithm>

#include "agent/base/assert.hpp"

namespace sluice::steer {

PortPool::PortPool(std::uint16_t first, std::uint16_t last, std::uint32_t start)
    : first_(first), last_(last), start_(start % size()) {
  LB_ASSERT(first >= 1 && first <= last);
}

// Pods come and go under ever new addresses: whenever a new one appears, what is known of those that are gone goes.
PortPool::Ports& PortPool::ports_of(const SocketAddress& endpoint, TimePoint now) {
  const auto found = endpoints_.find(endpoint);
  if (found != endpoints_.end()) return found->second;
  std::erase_if(endpoints_, [now](const auto& entry) {
    return entry.second.in_use == 0 && entry.second.all_ready <= now;
  });
  return endpoints_[endpoint];
}

std::optional<std::uint16_t> PortPool::take(const SocketAddress& endpoint, TimePoint now) {
  Ports& ports = ports_of(endpoint, now);
  // Fresh ports first: a port rests for as long as the range lasts, which spares the endpoint's
  // TIME_WAIT.
  while (ports.never_used < size()) {
    const auto port = static_cast<std::uint16_t>(first_ + (start_ + ports.never_used++) % size());
    if (ports.adopted.erase(port) != 0) continue;
    ++in_use_;
    ++ports.in_use;
    return port;
  }
  if (ports.cooling.empty() || ports.cooling.top().ready > now) return std::nullopt;
  const std::uint16_t port = ports.cooling.top().port;
  ports.cooling.pop();
  ++in_use_;
  ++ports.in_use;
  return port;
}

bool PortPool::take_exactly(const SocketAddress& endpoint, std::uint16_t port) {
  if (!owns(port)) return false;
  Ports& ports = endpoints_[endpoint];
  if (order_of(port) < ports.never_used) return false;
  if (!ports.adopted.insert(port).second) return false;
  ++in_use_;
  ++ports.in_use;
  return true;
}

void PortPool::release(const SocketAddress& endpoint, std::uint16_t port, TimePoint now,
                       Milliseconds cooling) {
  const auto found = endpoints_.find(endpoint);
  LB_ASSERT(found != endpoints_.end() && owns(port) && in_use_ > 0);
  --in_use_;
  if (released_) released_(endpoint, port, now + cooling);
  Ports& ports = found->second;
  --ports.in_use;
  ports.all_ready = std::max(ports.all_ready, now + cooling);
  ports.adopted.erase(port);
  if (order_of(port) < ports.never_used) {
    ports.cooling.push({now + cooling, port});
  }
}

}  // namespace sluice::steer
