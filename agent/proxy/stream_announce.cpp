// SPDX-License-Identifier: Apache-2.0
// DestinationRule proxyProtocol: the endpoint is told by a PROXY header, ahead of the first request, whose connection
// it is. Such a connection names one client, so it carries one request and is kept for nobody.
#include "agent/net/proxy_protocol.hpp"
#include "agent/proxy/stream.hpp"

namespace sluice::proxy {

void Stream::announce_client(Upstream& upstream) {
  const auto& version = target_->share->policy->proxy_protocol;
  if (!version || upstream.reused()) return;
  std::string header;
  net::write_proxy_header(*version, net::ProxyAddresses{downstream_->peer(), downstream_->local()},
                          header);
  upstream.channel().send(header);
  // Whatever the policy is by the time the answer is complete, this connection has named its client.
  downstream_->head().isolate = true;
}

}  // namespace sluice::proxy
