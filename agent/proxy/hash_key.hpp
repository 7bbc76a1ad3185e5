// SPDX-License-Identifier: Apache-2.0
// hash_key: what consistent hashing sends a request by: the hash of a header, cookie, query parameter or of the
// client's address. Called by Stream once a request on such routes. Pure. Thread: any.
#pragma once
#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "agent/base/ip_address.hpp"
#include "agent/http/message.hpp"
#include "agent/model/traffic_policy.hpp"
#include "agent/proxy/generation.hpp"

namespace sluice::proxy {

struct HashedKey {
  std::optional<std::uint64_t> hash;  // none: the request lacks the key
  // Not empty: the request had no such cookie and the answer is to set it to this (the value of Set-Cookie).
  std::string set_cookie;
};

// `random` becomes the value of a cookie that is made. A header counts with its first field.
[[nodiscard]] HashedKey hash_key(const model::HashKey& key, const http::RequestHead& head,
                                 const SocketAddress& peer, std::uint64_t random);

// What consistent hashing knows of one request.
struct Affinity {
  std::optional<std::uint64_t> hash;  // that picks the endpoint
  std::string set_cookie;             // as in HashedKey
};

struct HashedRequest {
  const http::RequestHead& head;
  const SocketAddress& peer;
  std::mt19937_64& random;
};

// The destination of a set that the request goes to: by its hash where the set keeps users with their subset, else the
// one whose turn it is. nullptr: no destination has an endpoint. Also says what the endpoint is picked by.
[[nodiscard]] Target* pick_target(Generation& generation, std::uint32_t set,
                                  const HashedRequest& request, Affinity& out);

}  // namespace sluice::proxy
