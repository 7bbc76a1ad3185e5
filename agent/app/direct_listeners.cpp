// SPDX-License-Identifier: Apache-2.0
#include "agent/app/direct_listeners.hpp"

#include <set>

#include "agent/net/socket.hpp"

namespace sluice::app {

std::map<std::string, std::string> DirectListeners::publish(const snapshot::Snapshot& snapshot) {
  std::map<std::string, std::string> errors;
  std::set<std::string> wanted;
  for (const auto& listener : snapshot.listeners) wanted.insert(listener->config.name);
  std::erase_if(bound_, [&](const auto& entry) {
    if (wanted.contains(entry.first)) return false;
    for (const auto& worker : workers_) worker->remove_listening_socket(entry.second);
    return true;
  });
  for (const snapshot::ListenerPtr& listener : snapshot.listeners) {
    if (bound_.contains(listener->config.name)) continue;
    if (auto bound = bind(listener->config); !bound)
      errors[listener->config.name] = bound.error().message;
  }
  return errors;
}

Result<void> DirectListeners::bind(const model::Listener& listener) {
  std::vector<UniqueFd> sockets;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    auto socket = proxy::make_listening_socket(listener.bind, listener.port);
    if (!socket) {
      return fail(
          ErrorCode::kUnavailable,
          "port " + std::to_string(listener.port) + " cannot be served: " + socket.error().message +
              (listener.port < 1024 ? "; ports below 1024 need root or CAP_NET_BIND_SERVICE: use a "
                                      "higher port in the Gateway"
                                    : "; is another program using it?"));
    }
    // A server behind a TCP listener may be the one to speak first.
    if (listener.protocol != "TCP") net::accept_with_data(socket->get());
    sockets.push_back(std::move(*socket));
  }
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->add_listening_socket(std::move(sockets[i]));
  }
  bound_[listener.name] = {listener.bind.value_or(IpAddress{}), listener.port};
  return {};
}

}  // namespace sluice::app
