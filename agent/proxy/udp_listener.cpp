// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/udp_listener.hpp"

#include <sys/epoll.h>

#include "agent/base/log.hpp"
#include "agent/net/socket.hpp"

namespace sluice::proxy {
namespace {

constexpr int kBatch = 64;  // a turn, so that a flood leaves time for the others

}  // namespace

UdpListener::UdpListener(Context& context, UniqueFd socket)
    : context_(context),
      socket_(std::move(socket)),
      local_(net::local_address(socket_.get())),
      buffer_(std::make_unique_for_overwrite<char[]>(net::kLargestDatagram)) {
  if (auto added = context_.reactor.add(socket_.get(), EPOLLIN, *this); !added) {
    log::error("proxy", "datagrams to {} are not received: {}", to_string(local_),
               added.error().message);
  }
}

UdpListener::~UdpListener() {
  sessions_.clear();
  context_.reactor.remove(socket_.get());
}

void UdpListener::on_ready(std::uint32_t /*events*/) {
  for (int i = 0; i < kBatch; ++i) {
    const auto datagram = net::receive_datagram(socket_.get(), buffer());
    if (!datagram) return;
    const IpAddress local = datagram->local.is_unspecified() ? local_.ip : datagram->local;
    take({datagram->peer, local}, datagram->payload);
  }
}

void UdpListener::take(const UdpSessionKey& key, std::string_view payload) {
  context_.report.bytes_received += payload.size();
  ++context_.report.udp_received;
  const snapshot::Listener* const listener =
      context_.generation ? context_.generation->snapshot().find_listener({key.local, local_.port},
                                                                          snapshot::Transport::kUdp)
                          : nullptr;
  if (listener == nullptr) return context_.count(Ending::kNoListener);
  auto found = sessions_.find(key);
  if (found == sessions_.end()) {
    if (sessions_.size() >= kMostSessions) return context_.count(Ending::kOverload);
    auto place = ListenerPlace::take(context_.load_of(*listener), listener->config.max_connections);
    if (!place) return context_.count(Ending::kListenerLimit);
    auto session = std::make_unique<UdpSession>(context_, *this, key, std::move(*place));
    found = sessions_.emplace(key, std::move(session)).first;
  }
  found->second->forward(*listener, payload);
}

bool UdpListener::answer(const UdpSessionKey& key, std::string_view payload) {
  if (!net::send_datagram(socket_.get(), payload, key.local, key.peer)) return false;
  context_.report.bytes_sent += payload.size();
  ++context_.report.udp_sent;
  return true;
}

}  // namespace sluice::proxy
