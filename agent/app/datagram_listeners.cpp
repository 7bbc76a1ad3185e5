// SPDX-License-Identifier: Apache-2.0
#include "agent/app/datagram_listeners.hpp"

#include <fmt/core.h>

#include <set>

#include "agent/net/datagram.hpp"

namespace sluice::app {

std::map<std::string, std::string> DatagramListeners::publish(const snapshot::Snapshot& snapshot) {
  std::map<std::string, std::string> errors;
  std::set<std::string> wanted;
  for (const snapshot::ListenerPtr& listener : snapshot.listeners) {
    if (listener->transport() == snapshot::Transport::kUdp) wanted.insert(listener->config.name);
  }
  std::erase_if(bound_, [&](const auto& entry) {
    if (wanted.contains(entry.first)) return false;
    for (const auto& worker : workers_) worker->remove_datagram_socket(entry.second);
    return true;
  });
  for (const snapshot::ListenerPtr& listener : snapshot.listeners) {
    const std::string& name = listener->config.name;
    if (!wanted.contains(name) || bound_.contains(name)) continue;
    if (auto bound = bind(listener->config); !bound) errors[name] = bound.error().message;
  }
  return errors;
}

Result<void> DatagramListeners::bind(const model::Listener& listener) {
  std::vector<UniqueFd> sockets;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    auto socket = net::bind_udp(listener.bind, listener.port);
    if (!socket) {
      return fail(
          ErrorCode::kUnavailable,
          fmt::format("UDP port {} cannot be served: {}{}", listener.port, socket.error().message,
                      listener.port < 1024 ? "; ports below 1024 need CAP_NET_BIND_SERVICE"
                                           : "; is another program using it?"));
    }
    sockets.push_back(std::move(*socket));
  }
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->add_datagram_socket(std::move(sockets[i]));
  }
  bound_[listener.name] = {listener.bind.value_or(IpAddress{}), listener.port};
  return {};
}

}  // namespace sluice::app
