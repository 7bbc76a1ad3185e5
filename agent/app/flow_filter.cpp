// SPDX-License-Identifier: Apache-2.0
#include "agent/app/flow_filter.hpp"

#include <optional>
#include <string>

namespace sluice::app {
namespace {

// An address, with any port or with that one.
struct Side {
  SocketAddress address;
  bool any_port = false;

  [[nodiscard]] bool matches(const SocketAddress& other) const {
    return address.ip == other.ip && (any_port || address.port == other.port);
  }
};

Result<std::optional<Side>> side_of(const char* field, const std::string& text) {
  if (text.empty()) return std::optional<Side>();
  if (const auto ip = IpAddress::parse(text)) return std::optional<Side>({{*ip, 0}, true});
  if (const auto both = SocketAddress::parse(text)) return std::optional<Side>({*both, false});
  return fail(ErrorCode::kInvalid,
              std::string(field) + " \"" + text +
                  "\" is no address; write one as lbctl flows does: 192.0.2.7, 192.0.2.7:80, "
                  "2001:db8::7 or [2001:db8::7]:80");
}

}  // namespace

Result<FlowFilter> flow_filter(const control::v1::MoveFlowsRequest& request) {
  auto client = side_of("client", request.client());
  if (!client) return tl::unexpected(client.error());
  auto endpoint = side_of("endpoint", request.endpoint());
  if (!endpoint) return tl::unexpected(endpoint.error());
  if (!*client && !*endpoint && !request.all()) {
    return fail(ErrorCode::kInvalid, "say which: a client, an endpoint, or all");
  }
  return FlowFilter([client = *client, endpoint = *endpoint](const proxy::Carried& carried) {
    return (!client || client->matches(carried.client)) &&
           (!endpoint || endpoint->matches(carried.endpoint));
  });
}

}  // namespace sluice::app
