// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/hash_key.hpp"

#include <chrono>
#include <string_view>

#include "agent/balance/hash.hpp"
#include "agent/http/cookie.hpp"
#include "agent/http/query.hpp"

namespace sluice::proxy {
namespace {

using Source = model::HashKey::Source;

std::optional<std::uint64_t> hash_of(std::optional<std::string_view> text) {
  if (!text) return std::nullopt;
  return balance::hash64(*text);
}

std::string hexadecimal(std::uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out(16, '0');
  for (char& digit : out) {
    digit = kDigits[value >> 60U];
    value <<= 4U;
  }
  return out;
}

}  // namespace

HashedKey hash_key(const model::HashKey& key, const http::RequestHead& head,
                   const SocketAddress& peer, std::uint64_t random) {
  HashedKey out;
  switch (key.source) {
    case Source::kHeader:
      // HTTP/2 has no Host; both say it in `authority`.
      out.hash = hash_of(key.name == "host" || key.name == ":authority"
                             ? std::optional<std::string_view>(head.authority)
                             : head.headers.get(key.name));
      break;
    case Source::kCookie: {
      out.hash = hash_of(http::cookie(head.headers, key.name));
      if (out.hash || !key.ttl) break;
      const std::string value = hexadecimal(random);
      out.hash = balance::hash64(value);
      // Less than a second is not nothing, and 0 would mean a session cookie.
      http::append_set_cookie({.name = key.name,
                               .value = value,
                               .max_age = std::chrono::ceil<std::chrono::seconds>(*key.ttl),
                               .path = key.path,
                               .attributes = key.attributes},
                              out.set_cookie);
      break;
    }
    case Source::kSourceIp:
      out.hash = balance::hash64(
          {reinterpret_cast<const char*>(peer.ip.bytes.data()), peer.ip.bytes.size()});
      break;
    case Source::kQueryParameter:
      out.hash = hash_of(http::query_parameter(head.query, key.name));
      break;
  }
  return out;
}

Target* pick_target(Generation& generation, std::uint32_t set, const HashedRequest& request,
                    Affinity& out) {
  const model::HashKey* const sticky = generation.sticky_key(set);
  if (sticky == nullptr) return generation.pick(set);
  HashedKey key = hash_key(*sticky, request.head, request.peer, request.random());
  Target* const target = generation.pick(set, key.hash);
  if (target == nullptr) return nullptr;
  out.set_cookie = std::move(key.set_cookie);
  const auto& own = target->use->policy().load_balancer.hash;
  if (!own) return target;
  if (own->key != *sticky) {
    key = hash_key(own->key, request.head, request.peer, request.random());
    // Of two cookies that are missing the one for the subset is set; the other follows with the next answer.
    if (out.set_cookie.empty()) out.set_cookie = std::move(key.set_cookie);
  }
  out.hash = key.hash;
  return target;
}

}  // namespace sluice::proxy
