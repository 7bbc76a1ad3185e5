// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/link_cache.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "agent/config/translate/delegate.hpp"
#include "agent/config/translate/listeners.hpp"

namespace sluice::config {
namespace {

bool same_rule(const MergedRule* a, const MergedRule* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->rules == b->rules;  // all that it says follows from them
}

bool same_cluster(const model::Cluster& a, const model::Cluster& b) {
  return a.host == b.host && a.subset == b.subset && a.port == b.port && a.invalid == b.invalid &&
         a.selector == b.selector && a.origin == b.origin && a.endpoints == b.endpoints &&
         (a.policy == b.policy ||
          (a.policy->same_as(*b.policy) && a.policy->origin == b.policy->origin));
}

}  // namespace

std::optional<std::set<std::string>> LinkCache::changed_hosts(const Registry& before) const {
  std::set<std::string> out;
  const auto& now = registry_->services();
  for (const auto& [host, service] : now) {
    const auto old = before.services().find(host);
    if (old == before.services().end()) return std::nullopt;  // a name may mean this one now
    if (!(old->second == service) ||
        !same_rule(before.rule_for(old->second), registry_->rule_for(service))) {
      out.insert(host);
    }
  }
  for (const auto& [host, service] : before.services()) {
    if (!now.contains(host)) out.insert(host);
  }
  return out;
}

void LinkCache::refresh(const SpecSet& specs, const SpecStore::Changes& changes) {
  changed_ = std::set<std::string>{};
  if (!registry_ || changes.registry) {
    const auto before = std::move(registry_);
    registry_problems_.clear();
    registry_ = std::make_unique<Registry>(specs, cluster_domain_, registry_problems_);
    changed_ = before ? changed_hosts(*before) : std::nullopt;
  }
  if (changes.gateways || !changed_) {
    entries_.clear();
    return;
  }
  std::erase_if(entries_, [&](const auto& entry) {
    const LinkedVirtualService& linked = *entry.second.linked;
    if (!linked.problems.empty()) return true;
    return !changed_->empty() && std::ranges::any_of(linked.clusters, [&](const auto& cluster) {
      return changed_->contains(cluster.second->host);
    });
  });
}

void LinkCache::share(Clusters& clusters) {
  for (auto& [key, cluster] : clusters) {
    model::ClusterPtr& known = clusters_[key];
    if (known && same_cluster(*known, *cluster)) {
      cluster = known;
    } else {
      known = cluster;
    }
  }
}

std::shared_ptr<const LinkedVirtualService> LinkCache::link(const VirtualServiceSpec& spec,
                                                            const SpecSet& specs) {
  Entry& entry = entries_[&spec];
  entry.used = true;
  auto delegates = delegates_of(spec, specs);
  if (!entry.linked || entry.delegates != delegates) {
    entry.delegates = std::move(delegates);
    LinkedVirtualService linked = link_virtual_service(spec, specs, *registry_);
    check_gateways(spec, specs, linked.problems);
    if (!spec.hosts.empty()) {
      check_placement(spec, specs, cluster_domain_, linked.placement);
    }
    if (linked.problems.empty()) share(linked.clusters);
    entry.linked = std::make_shared<const LinkedVirtualService>(std::move(linked));
  }
  return entry.linked;
}

void LinkCache::finish() {
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    entry = std::exchange(entry->second.used, false) ? std::next(entry) : entries_.erase(entry);
  }
  if (clusters_.size() < 64 || clusters_.size() < 2 * entries_.size()) return;
  std::erase_if(clusters_, [](const auto& entry) { return entry.second.use_count() == 1; });
}

}  // namespace sluice::config
