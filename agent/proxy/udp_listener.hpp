// SPDX-License-Identifier: Apache-2.0
// UdpListener: one UDP socket of a worker and the sessions of the clients that the kernel gives it (SO_REUSEPORT: all
// datagrams of one client come to one worker). Datagrams are relayed one by one, never split, merged or kept.
// Callers: Worker. Thread: worker. Invariants: sessions are bounded by kMostSessions and by the descriptors that
// clients may have; what comes beyond them is counted as `overload` and dropped, sessions that exist go on.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>

#include "agent/net/datagram.hpp"
#include "agent/proxy/udp_session.hpp"

namespace sluice::proxy {

class UdpListener final : public net::EventHandler {
 public:
  static constexpr std::size_t kMostSessions = 16'384;

  UdpListener(Context& context, UniqueFd socket);
  ~UdpListener();
  UdpListener(const UdpListener&) = delete;
  UdpListener& operator=(const UdpListener&) = delete;

  void on_ready(std::uint32_t events) override;
  [[nodiscard]] const SocketAddress& local() const { return local_; }

  // An answer for the client of a session. False: it was dropped.
  bool answer(const UdpSessionKey& key, std::string_view payload);
  // For one datagram, until the next is received. Of the listener and its sessions.
  [[nodiscard]] std::span<char> buffer() { return {buffer_.get(), net::kLargestDatagram}; }
  // Destroys the session.
  void end(const UdpSessionKey& key) { sessions_.erase(key); }

 private:
  struct KeyHash {
    std::size_t operator()(const UdpSessionKey& key) const {
      return SocketAddressHash{}(key.peer) * 31 + IpAddressHash{}(key.local);
    }
  };
  void take(const UdpSessionKey& key, std::string_view payload);

  Context& context_;
  UniqueFd socket_;
  SocketAddress local_;
  std::unique_ptr<char[]> buffer_;
  std::unordered_map<UdpSessionKey, std::unique_ptr<UdpSession>, KeyHash> sessions_;
};

}  // namespace sluice::proxy
