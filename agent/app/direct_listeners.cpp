// SPDX-License-Identifier: Apache-2.0
#include "agent/app/direct_listeners.hpp"

#include <fcntl.h>

#include <set>

#include "agent/net/socket.hpp"

namespace sluice::app {

std::map<std::string, std::string> DirectListeners::publish(const snapshot::Snapshot& snapshot) {
  std::map<std::string, std::string> errors;
  std::set<std::string> wanted;
  const auto is_udp = [](const snapshot::ListenerPtr& listener) {
    return listener->transport() == snapshot::Transport::kUdp;  // DatagramListeners
  };
  for (const auto& listener : snapshot.listeners) {
    if (!is_udp(listener)) wanted.insert(listener->config.name);
  }
  std::erase_if(bound_, [&](const auto& entry) {
    if (wanted.contains(entry.first)) return false;
    for (const auto& worker : workers_) worker->remove_listening_socket(entry.second.address);
    return true;
  });
  for (const snapshot::ListenerPtr& listener : snapshot.listeners) {
    if (is_udp(listener)) continue;
    if (const auto known = bound_.find(listener->config.name); known != bound_.end()) {
      set_protocol(listener->config, known->second);
      continue;
    }
    if (auto bound = bind(listener->config); !bound)
      errors[listener->config.name] = bound.error().message;
  }
  return errors;
}

// One for each worker at least: those of an earlier agent first, whose queues may hold connections.
Result<std::vector<UniqueFd>> DirectListeners::sockets_for(const model::Listener& listener) {
  std::vector<UniqueFd> sockets;
  if (const auto found = inherited_.find(listener.name); found != inherited_.end()) {
    sockets = std::move(found->second);
    inherited_.erase(found);
  }
  while (sockets.size() < workers_.size()) {
    auto socket = net::listen_tcp(listener.bind, listener.port, ahead_);
    if (!socket) {
      return fail(
          ErrorCode::kUnavailable,
          "port " + std::to_string(listener.port) + " cannot be served: " + socket.error().message +
              (listener.port < 1024 ? "; ports below 1024 need root or CAP_NET_BIND_SERVICE: use a "
                                      "higher port in the Gateway"
                                    : "; is another program using it?"));
    }
    sockets.push_back(std::move(*socket));
  }
  return sockets;
}

// A server behind a TCP listener may be the one to speak first; a client of an HTTP listener is accepted with its
// request.
void DirectListeners::set_protocol(const model::Listener& listener, Bound& bound) {
  const bool clients_speak_first = listener.protocol != "TCP";
  for (const UniqueFd& socket : bound.sockets)
    net::accept_with_data(socket.get(), clients_speak_first);
}

Result<void> DirectListeners::bind(const model::Listener& listener) {
  auto sockets = sockets_for(listener);
  if (!sockets) return tl::unexpected(sockets.error());
  Bound bound{{listener.bind.value_or(IpAddress{}), listener.port}, {}};
  for (const UniqueFd& socket : *sockets)
    bound.sockets.emplace_back(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
  set_protocol(listener, bound);
  for (std::size_t i = 0; i < sockets->size(); ++i) {
    workers_[i % workers_.size()]->add_listening_socket(std::move((*sockets)[i]));
  }
  bound_[listener.name] = std::move(bound);
  return {};
}

void DirectListeners::unbind_all() {
  for (const auto& [name, bound] : bound_) {
    for (const auto& worker : workers_) worker->remove_listening_socket(bound.address);
  }
  bound_.clear();
}

}  // namespace sluice::app
