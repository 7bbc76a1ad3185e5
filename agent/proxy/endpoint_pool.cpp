// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/endpoint_pool.hpp"

#include <algorithm>

#include "agent/net/socket.hpp"
#include "agent/proxy/context.hpp"

namespace sluice::proxy {

EndpointPool::EndpointPool(Context& context, std::shared_ptr<health::EndpointRecord> record,
                           model::TrafficPolicyPtr policy, PoolUse use)
    : context_(context), record_(std::move(record)), policy_(std::move(policy)), use_(use) {}

void EndpointPool::set_policy(const model::TrafficPolicyPtr& policy) {
  if (policy == policy_) return;
  const bool same_terms = policy->proxy_protocol == policy_->proxy_protocol &&
                          policy->connection_pool.keepalive == policy_->connection_pool.keepalive;
  policy_ = policy;
  if (!same_terms) expire(TimePoint::max());
}

EndpointPool::Idle& EndpointPool::idle_of(const Upstream& upstream) {
  if (upstream.shown()) return idle_[2];
  return idle_[upstream.steerable() ? 1 : 0];
}

std::unique_ptr<Upstream> EndpointPool::use_again(std::unique_ptr<Upstream> upstream) {
  ++context_.report.upstream_reuses;
  upstream->mark_reused();
  ++upstream->requests;
  return upstream;
}

std::unique_ptr<Upstream> EndpointPool::take_shown(Milliseconds at_most, const IpAddress& client) {
  Idle& idle = idle_[2];
  for (std::size_t i = idle.size(); i-- > 0;) {
    if (context_.reactor.now() - idle[i]->idle_since > at_most) return nullptr;
    if (idle[i]->shown() != client) continue;
    auto upstream = std::move(idle[i]);
    idle.erase(idle.begin() + static_cast<std::ptrdiff_t>(i));
    --context_.report.upstreams_idle;
    if (!worn_out(*upstream)) return use_again(std::move(upstream));
  }
  return nullptr;
}

std::unique_ptr<Upstream> EndpointPool::take(bool steerable, Milliseconds at_most,
                                             const Client& client) {
  if (client && context_.steering && context_.steering->can_show(*client, address()))
    return take_shown(at_most, *client);
  Idle& idle = idle_[steerable ? 1 : 0];
  while (!idle.empty()) {
    if (context_.reactor.now() - idle.back()->idle_since > at_most) return nullptr;
    auto upstream = std::move(idle.back());
    idle.pop_back();
    --context_.report.upstreams_idle;
    if (!worn_out(*upstream)) return use_again(std::move(upstream));
  }
  return nullptr;
}

std::uint32_t EndpointPool::most_for_mirrors() const {
  return std::min(kMostForMirrors,
                  policy_->connection_pool.max_connections.value_or(kMostForMirrors));
}

bool EndpointPool::full() const {
  return use_ == PoolUse::kMirrors && open_ >= most_for_mirrors() && idle_[0].empty();
}

// Another connection may be opened: what it holds of the cluster's limit.
Result<health::Token> EndpointPool::admit() {
  health::Token slot;
  if (use_ == PoolUse::kMirrors) {
    if (open_ < most_for_mirrors()) return slot;
    return fail(ErrorCode::kExhausted,
                "mirror " + to_string(address()) + " has as many connections as it may");
  }
  const model::ConnectionPool& limits = policy_->connection_pool;
  if (!limits.max_connections) return slot;
  slot = record_->cluster().begin_connection(limits);
  if (slot) return slot;
  return fail(ErrorCode::kExhausted, "cluster " + record_->cluster().key() +
                                         " has as many connections as its maxConnections says");
}

Result<std::unique_ptr<Upstream>> EndpointPool::connect(bool steerable, std::uint16_t mss,
                                                        bool kept_will_do, const Client& client) {
  auto slot = admit();
  if (!slot) return tl::unexpected(std::move(slot.error()));
  std::unique_ptr<Upstream> upstream;
  if (steerable && context_.steering) {
    if (auto steer = context_.steering->connect_upstream(address(), mss, client)) {
      upstream = std::make_unique<Upstream>(context_, shared_from_this(), std::move(*steer));
    } else if (kept_will_do) {
      // Out of ports, possibly for long: without this each request would open a connection of its own.
      if (auto kept = take(false)) return kept;
    }
  }
  if (!upstream) {
    auto fd = net::connect_tcp(address());
    if (!fd) return tl::unexpected(std::move(fd.error()));
    if (const auto& keepalive = policy_->connection_pool.keepalive) {
      net::keep_alive(
          fd->get(),
          {.probes = keepalive->probes, .time = keepalive->time, .interval = keepalive->interval});
    }
    upstream = std::make_unique<Upstream>(context_, shared_from_this(), std::move(*fd));
  }
  ++context_.report.upstream_connects;
  ++open_;
  upstream->slot = std::move(*slot);
  upstream->counted = record_->begin_connection();
  upstream->opened_at = context_.reactor.now();
  upstream->requests = 1;
  return upstream;
}

// It has served as many requests, or as long, as the policy allows.
bool EndpointPool::worn_out(const Upstream& upstream) const {
  const model::ConnectionPool& limits = policy_->connection_pool;
  if (limits.max_requests_per_connection > 0 &&
      upstream.requests >= limits.max_requests_per_connection) {
    return true;
  }
  return limits.max_connection_duration &&
         context_.reactor.now() - upstream.opened_at >= *limits.max_connection_duration;
}

void EndpointPool::put(std::unique_ptr<Upstream> upstream) {
  Idle& idle = idle_of(*upstream);
  // A segment size chosen for one client would slow down the others, and a PROXY header has named one.
  const bool special =
      (upstream->steerable() && upstream->mss() != 0) || policy_->proxy_protocol.has_value();
  const std::size_t most =
      use_ == PoolUse::kMirrors ? kMostIdleForMirrors : context_.options.max_idle_upstreams;
  if (retired_ || special || context_.draining || worn_out(*upstream) || idle.size() >= most) {
    return;
  }
  if (!upstream->watch()) return;
  upstream->use(nullptr);
  upstream->channel().release_buffers();
  upstream->idle_since = context_.reactor.now();
  idle.push_back(std::move(upstream));
  ++context_.report.upstreams_idle;
  if (limits_requests()) context_.queue.connection_idle(*this);
}

void EndpointPool::closed() {
  --open_;
  if (limits_requests()) context_.queue.connection_closed(*this);
}

bool EndpointPool::give_up_one() {
  for (Idle& idle : idle_) {
    if (idle.empty()) continue;
    const auto oldest = std::move(idle.front());
    idle.erase(idle.begin());
    --context_.report.upstreams_idle;
    return true;
  }
  return false;
}

void EndpointPool::discard(Upstream& upstream) {
  Idle& idle = idle_of(upstream);
  const auto found = std::ranges::find(idle, &upstream, &std::unique_ptr<Upstream>::get);
  if (found == idle.end()) return;
  const auto closing = std::move(*found);
  idle.erase(found);
  --context_.report.upstreams_idle;
}

void EndpointPool::expire(TimePoint now) {
  const Milliseconds limit =
      policy_->connection_pool.http_idle_timeout.value_or(context_.options.upstream_idle_timeout);
  const TimePoint idle_before = now == TimePoint::max() ? now : now - limit;
  for (Idle& idle : idle_) {
    const auto first_young = std::ranges::find_if(
        idle, [&](const auto& upstream) { return upstream->idle_since >= idle_before; });
    const Idle old(std::make_move_iterator(idle.begin()), std::make_move_iterator(first_young));
    idle.erase(idle.begin(), first_young);
    context_.report.upstreams_idle -= old.size();
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
    const auto found = alive->find(&pool->record());
    if (found != alive->end() && found->second.pool == pool) alive->erase(found);
  }
};

std::shared_ptr<EndpointPool> EndpointPools::get(
    const std::shared_ptr<health::EndpointRecord>& record, const model::TrafficPolicyPtr& policy) {
  Entry& entry = (*table_)[record.get()];
  auto lease = entry.lease.lock();
  if (!lease) {
    entry.pool = std::make_shared<EndpointPool>(context_, record, policy, use_);
    lease = std::make_shared<Lease>();
    lease->table = table_;
    lease->pool = entry.pool;
    entry.lease = lease;
  }
  EndpointPool* const pool = lease->pool.get();
  return {std::move(lease), pool};
}

std::shared_ptr<EndpointPool> EndpointPools::adopt(
    const std::shared_ptr<health::EndpointRecord>& record, const model::TrafficPolicyPtr& policy) {
  const auto found = table_->find(record.get());
  auto lease = found == table_->end() ? nullptr : found->second.lease.lock();
  if (!lease) return nullptr;
  EndpointPool* const pool = lease->pool.get();
  pool->set_policy(policy);
  return {std::move(lease), pool};
}

void EndpointPools::expire(TimePoint now) {
  for (auto& [record, entry] : *table_) entry.pool->expire(now);
}

void EndpointPools::give_up_one(const health::ClusterRecord& cluster) {
  for (auto& [record, entry] : *table_) {
    if (&record->cluster() == &cluster && entry.pool->give_up_one()) return;
  }
}

void EndpointPools::clear() {
  for (auto& [record, entry] : *table_) entry.pool->retire();
  table_->clear();
}

}  // namespace sluice::proxy
