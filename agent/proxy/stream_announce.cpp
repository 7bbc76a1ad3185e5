// SPDX-License-Identifier: Apache-2.0
// DestinationRule proxyProtocol: the endpoint is told by a PROXY header, ahead of the first request, whose connection
// it is. Such a connection names one client, so it carries one request and is kept for nobody.
#include "agent/net/proxy_protocol.hpp"
#include "agent/proxy/stream.hpp"

namespace sluice::proxy {

void Stream::announce_client(Upstream& upstream) {
  const auto& clusters = generation_->snapshot().clusters;
  const auto cluster = clusters.find(target_->share->cluster);
  if (upstream.reused() || cluster == clusters.end()) return;
  const auto& version = cluster->second->policy->proxy_protocol;
  if (!version) return;
  std::string header;
  net::write_proxy_header(*version, net::ProxyAddresses{downstream_->peer(), downstream_->local()},
                          header);
  upstream.channel().send(header);
  downstream_->head().isolate = true;
}

}  // namespace sluice::proxy
