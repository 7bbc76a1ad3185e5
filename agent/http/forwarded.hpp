// SPDX-License-Identifier: Apache-2.0
// What the proxy tells an endpoint about the client, and what it believes of what the client says: all X-Forwarded-*,
// Forwarded (RFC 7239), X-Request-Id, Via. Called by the proxy's filters. Pure.
// Thread: any. Invariants: from a peer that is not trusted none of these fields reaches an endpoint as it was sent.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/ip_address.hpp"
#include "agent/http/message.hpp"

namespace sluice::http {

// Who is believed. With neither set, nobody.
//   hops alone: every peer is a proxy of ours, and this many stand between the client and us (Istio numTrustedProxies).
//   cidrs alone: peers in them are proxies of ours; the client is the last address that is in none of them.
//   both: peers in the cidrs are proxies of ours, and this many stand between the client and us.
struct ForwardedTrust {
  std::uint32_t hops = 0;
  std::vector<IpPrefix> cidrs;

  [[nodiscard]] bool trusts(const IpAddress& peer) const;
};

// The address the request comes from: the peer, or what a trusted peer says in X-Forwarded-For. With fewer entries than
// hops, or where an entry to be believed is no address, the peer.
[[nodiscard]] IpAddress client_address(const HeaderMap& headers, const IpAddress& peer,
                                       const ForwardedTrust& trust);

struct ForwardedRequest {
  IpAddress peer;
  std::string_view scheme;      // that the listener speaks: "http"
  std::string_view request_id;  // a new one; used where keeps_request_id() is false
};
// True when the request keeps the X-Request-Id it has.
[[nodiscard]] bool keeps_request_id(const HeaderMap& headers, bool trusted);

// Writes X-Forwarded-For, -Proto and -Host. From an untrusted peer every other X-Forwarded-* and Forwarded is dropped;
// of a trusted one For is appended to and all else is kept. Call before the authority is rewritten: X-Forwarded-Host
// is what the client asked for.
void set_forwarded(RequestHead& head, const ForwardedRequest& request, bool trusted);

// Appends "1.1 name" (RFC 9110 7.6.3); `minor_version` of the message as it was received.
void add_via(HeaderMap& headers, std::uint8_t minor_version, std::string_view name);

}  // namespace sluice::http
