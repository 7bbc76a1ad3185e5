// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/upstream.hpp"

#include <sys/socket.h>

#include <cerrno>

#include "agent/net/proxy_protocol.hpp"
#include "agent/net/socket.hpp"
#include "agent/proxy/context.hpp"
#include "agent/proxy/endpoint_pool.hpp"
#include "agent/proxy/h1_exchange.hpp"

namespace sluice::proxy {

Upstream::Upstream(Context& context, std::shared_ptr<EndpointPool> pool, UniqueFd fd)
    : context_(context), pool_(std::move(pool)), channel_(context.memory) {
  channel_.attach(std::move(fd));
  ++context_.report.upstreams_open;
}

Upstream::Upstream(Context& context, std::shared_ptr<EndpointPool> pool, SteerUpstream steer)
    : Upstream(context, std::move(pool), std::move(steer.fd)) {
  steer_ = std::move(steer);
  steerable_ = true;
}

Upstream::~Upstream() {
  --context_.report.upstreams_open;
  // While the pool is there: it may hold the last pointer to the records that are counted in.
  slot.release();
  counted.release();
  pool_->closed();
  if (channel_.fd() < 0) return;
  if (steerable_) {
    context_.steering->close_upstream(lend(), reset_);
    return;
  }
  if (reset_) net::reset_on_close(channel_.fd());
  channel_.close(context_.reactor);
}

void Upstream::on_ready(std::uint32_t events) {
  channel_.note(events);
  if (exchange_ != nullptr) {
    exchange_->on_upstream();  // may destroy this
    return;
  }
  if (!still_open()) pool_->discard(*this);
}

bool Upstream::watch() { return channel_.watch(context_.reactor, *this); }

bool Upstream::still_open() const {
  char byte = 0;
  const ssize_t got = recv(channel_.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  // Bytes that answer no request would be taken for the next response (RFC 9112 9.2): as bad as a close.
  return got < 0 && errno == EAGAIN;
}

bool Upstream::connected() {
  if (!connected_) connected_ = net::is_connected(channel_.fd());
  return connected_;
}

bool Upstream::announce(const SocketAddress& client, const SocketAddress& local) {
  const auto& version = pool_->policy().proxy_protocol;
  if (!version || reused_) return false;
  std::string header;
  net::write_proxy_header(*version, net::ProxyAddresses{client, local}, header);
  channel_.send(header);
  return true;
}

void Upstream::begin_request() {
  received_before_ = channel_.received();
  sent_before_ = channel_.sent();
}

// A FIN acknowledges what the endpoint's kernel had received when the endpoint closed, and what came later was never
// read: with nothing acknowledged that is proof. After an RST it is so but for one case: an endpoint that reads part of
// the request, acts on it, and resets without an answer within the 40 ms that its kernel may hold back the
// acknowledgement. An endpoint that shuts down and finds the request unread resets too, and that is what happens.
bool Upstream::request_untouched() const {
  if (channel_.sent() == sent_before_) return true;
  const auto acked = net::acked_bytes(channel_.fd());
  return acked && *acked <= sent_before_;
}

SteerUpstream Upstream::lend() {
  channel_.unwatch(context_.reactor);
  return {std::move(channel_.descriptor()), steer_.port, steer_.remote, steer_.mss, steer_.shown};
}

void Upstream::take_back(SteerUpstream steer) { channel_.attach(std::move(steer.fd)); }

void Upstream::forget_socket() { channel_.attach(UniqueFd()); }

}  // namespace sluice::proxy
