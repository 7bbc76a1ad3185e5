// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/cluster_use.hpp"

#include <algorithm>
#include <iterator>

#include "agent/proxy/context.hpp"

namespace sluice::proxy {

ClusterUse::ClusterUse(Context& context, const snapshot::Share& share)
    : context_(context),
      endpoints_(share.endpoints),
      policy_(share.policy),
      report_(context.report.clusters[share.cluster]),
      records_(context.registry->find(share.cluster, policy_, endpoints_.span())) {
  ++report_.uses;
  states_.reserve(endpoints_.size());
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    const auto& record = records_.endpoints[i];
    states_.push_back(&record->state());
    if (auto pool = context.pools.adopt(record, policy_)) {
      pools_.resize(endpoints_.size());
      pools_[i] = std::move(pool);
    }
    if (auto pool = context.mirror_pools.adopt(record, policy_)) {
      mirror_pools_.resize(endpoints_.size());
      mirror_pools_[i] = std::move(pool);
    }
  }
  balance::PickerOptions options{.endpoints = endpoints_.span(),
                                 .policy = &policy_->load_balancer,
                                 .states = states_,
                                 .changes = &records_.cluster->changes(),
                                 .tables = share.tables,
                                 .worker = context.options.index,
                                 .seed = context.random()};
  if (policy_->outlier_detection) {
    options.min_health_percent = policy_->outlier_detection->min_health_percent;
  }
  picker_ = balance::EndpointPicker(options, context.reactor.now());
}

bool ClusterUse::suits(const snapshot::Share& share) const {
  return (policy_ == share.policy || policy_->same_as(*share.policy)) &&
         endpoints_ == share.endpoints;
}

std::optional<std::uint32_t> ClusterUse::pick(const balance::PickRequest& request) {
  const auto index = picker_.pick(request);
  return index ? std::optional(static_cast<std::uint32_t>(*index)) : std::nullopt;
}

std::optional<std::uint32_t> ClusterUse::find(const SocketAddress& address) const {
  const auto& records = records_.endpoints;
  const auto found = std::ranges::find_if(
      records, [&](const auto& record) { return record->address() == address; });
  if (found == records.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - records.begin());
}

EndpointPool& ClusterUse::pool(std::uint32_t endpoint) {
  if (pools_.empty()) pools_.resize(endpoints_.size());
  auto& pool = pools_[endpoint];
  if (!pool) pool = context_.pools.get(records_.endpoints[endpoint], policy_);
  return *pool;
}

EndpointPool& ClusterUse::mirror_pool(std::uint32_t endpoint) {
  if (mirror_pools_.empty()) mirror_pools_.resize(endpoints_.size());
  auto& pool = mirror_pools_[endpoint];
  if (!pool) pool = context_.mirror_pools.get(records_.endpoints[endpoint], policy_);
  return *pool;
}

std::shared_ptr<ClusterUse> ClusterUses::get(const snapshot::Share& share) {
  auto& known = by_cluster_[share.cluster];
  auto use = known.lock();
  if (use && use->suits(share)) return use;
  use = std::make_shared<ClusterUse>(context_, share);
  known = use;
  return use;
}

void ClusterUses::forget_unused() {
  std::erase_if(by_cluster_, [](const auto& entry) { return entry.second.expired(); });
  auto& reports = context_.report.clusters;
  for (auto entry = reports.begin(); entry != reports.end();) {
    ClusterReport& report = entry->second;
    report.unused_for = report.uses > 0 ? 0 : report.unused_for + 1;
    entry = report.unused_for >= ClusterReport::kForget ? reports.erase(entry) : std::next(entry);
  }
}

}  // namespace sluice::proxy
