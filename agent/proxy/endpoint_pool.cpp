// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/endpoint_pool.hpp"

#include <algorithm>

#include "agent/net/socket.hpp"
#include "agent/proxy/context.hpp"

namespace sluice::proxy {

std::unique_ptr<Upstream> EndpointPool::take(bool steerable, Milliseconds at_most) {
  Idle& idle = idle_[steerable ? 1 : 0];
  if (idle.empty()) return nullptr;
  if (context_.reactor.now() - idle.back()->idle_since > at_most) return nullptr;
  auto upstream = std::move(idle.back());
  idle.pop_back();
  --context_.report.upstreams_idle;
  ++context_.report.upstream_reuses;
  upstream->mark_reused();
  return upstream;
}

Result<std::unique_ptr<Upstream>> EndpointPool::connect(bool steerable, std::uint16_t mss,
                                                        bool kept_will_do) {
  if (steerable && context_.steering) {
    auto steer = context_.steering->connect_upstream(address_, mss);
    if (steer) {
      ++context_.report.upstream_connects;
      return std::make_unique<Upstream>(context_, shared_from_this(), std::move(*steer));
    }
    // Out of ports, possibly for long: without this each request would open a connection of its own.
    if (kept_will_do) {
      if (auto kept = take(false)) return kept;
    }
  }
  ++context_.report.upstream_connects;
  auto fd = net::connect_tcp(address_);
  if (!fd) return tl::unexpected(std::move(fd.error()));
  return std::make_unique<Upstream>(context_, shared_from_this(), std::move(*fd));
}

void EndpointPool::put(std::unique_ptr<Upstream> upstream) {
  Idle& idle = idle_[upstream->steerable() ? 1 : 0];
  // A segment size chosen for one client would slow down the others.
  const bool special = upstream->steerable() && upstream->mss() != 0;
  if (retired_ || special || context_.draining ||
      idle.size() >= context_.options.max_idle_upstreams) {
    return;
  }
  if (!upstream->watch()) return;
  upstream->use(nullptr);
  upstream->channel().release_buffers();
  upstream->idle_since = context_.reactor.now();
  idle.push_back(std::move(upstream));
  ++context_.report.upstreams_idle;
}

void EndpointPool::discard(Upstream& upstream) {
  Idle& idle = idle_[upstream.steerable() ? 1 : 0];
  const auto found = std::ranges::find(idle, &upstream, &std::unique_ptr<Upstream>::get);
  if (found == idle.end()) return;
  idle.erase(found);
  --context_.report.upstreams_idle;
}

void EndpointPool::expire(TimePoint idle_before) {
  for (Idle& idle : idle_) {
    const auto first_young = std::ranges::find_if(
        idle, [&](const auto& upstream) { return upstream->idle_since >= idle_before; });
    context_.report.upstreams_idle -= static_cast<std::uint64_t>(first_young - idle.begin());
    idle.erase(idle.begin(), first_young);
  }
}

void EndpointPool::retire() {
  retired_ = true;
  expire(TimePoint::max());
}

struct EndpointPools::Lease {
  std::weak_ptr<Table> table;
  std::shared_ptr<EndpointPool> pool;

  ~Lease() {
    pool->retire();
    const auto alive = table.lock();
    if (!alive) return;
    const auto found = alive->find(pool->address());
    if (found != alive->end() && found->second.pool == pool) alive->erase(found);
  }
};

std::shared_ptr<EndpointPool> EndpointPools::get(const SocketAddress& address) {
  Entry& entry = (*table_)[address];
  auto lease = entry.lease.lock();
  if (!lease) {
    entry.pool = std::make_shared<EndpointPool>(context_, address);
    lease = std::make_shared<Lease>();
    lease->table = table_;
    lease->pool = entry.pool;
    entry.lease = lease;
  }
  EndpointPool* const pool = lease->pool.get();
  return {std::move(lease), pool};
}

void EndpointPools::expire(TimePoint idle_before) {
  for (auto& [address, entry] : *table_) entry.pool->expire(idle_before);
}

void EndpointPools::clear() {
  for (auto& [address, entry] : *table_) entry.pool->retire();
  table_->clear();
}

}  // namespace sluice::proxy
