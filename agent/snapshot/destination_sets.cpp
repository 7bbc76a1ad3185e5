// SPDX-License-Identifier: Apache-2.0
#include "agent/snapshot/destination_sets.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

namespace sluice::snapshot {
namespace {

std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
  return a > max - b ? max : a + b;
}

// Sorted by cluster, a cluster named twice has the sum: so that equal sets are equal texts.
std::vector<Share> shares_of(const std::vector<model::WeightedDestination>& destinations) {
  std::map<std::string, Share> by_cluster;
  for (const auto& destination : destinations) {
    Share& share = by_cluster[destination.cluster];
    if (share.cluster.empty()) {
      share.cluster = destination.cluster;
      share.origin = destination.origin;
    }
    share.weight = saturating_add(share.weight, destination.weight);
  }
  std::vector<Share> out;
  for (auto& [cluster, share] : by_cluster) out.push_back(std::move(share));
  return out;
}

std::string key_of(const std::vector<Share>& shares) {
  std::string out;
  for (const Share& share : shares) {
    if (!out.empty()) out += ",";
    out += share.cluster + "=" + std::to_string(share.weight);
  }
  return out;
}

std::string subset_of(const model::Cluster& cluster) {
  std::string out = cluster.subset.empty() ? "" : "subset \"" + cluster.subset + "\" of ";
  out += cluster.host + " port " + std::to_string(cluster.port);
  if (!cluster.selector.empty()) out += " (" + cluster.selector + ")";
  return out;
}

std::string count_of(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace

DestinationSets::DestinationSets(const model::World& world, Resolver& resolver,
                                 const Snapshot* previous, const Changed& changed)
    : world_(world), resolver_(resolver), tables_(previous) {
  if (previous == nullptr) return;
  slots_.reserve(previous->destination_sets.size());
  for (const DestinationSetPtr& set : previous->destination_sets) {
    Slot& slot = slots_.emplace_back(Slot{set, false, false});
    if (!set || changed.empty()) continue;
    slot.stale = std::ranges::any_of(
        set->shares, [&](const Share& share) { return changed.contains(share.cluster); });
  }
}

Result<void> DestinationSets::check(const DestinationSet& set, const std::string& route) const {
  for (const Share& share : set.shares) {
    if (world_.clusters.contains(share.cluster)) continue;
    return fail(ErrorCode::kInvalid, location(share.origin) + ": " + route +
                                         " leads to cluster \"" + share.cluster +
                                         "\", which does not exist");
  }
  return {};
}

std::uint32_t DestinationSets::id_of(const std::string& key) {
  for (; indexed_ < slots_.size(); ++indexed_) {
    if (const auto& set = slots_[indexed_].set) {
      by_key_.emplace(set->key, static_cast<std::uint32_t>(indexed_));
    }
  }
  if (const auto found = by_key_.find(key); found != by_key_.end()) return found->second;
  while (next_free_ < slots_.size() && slots_[next_free_].set) ++next_free_;
  if (next_free_ == slots_.size()) {
    slots_.emplace_back();
    indexed_ = slots_.size();
  }
  by_key_.emplace(key, static_cast<std::uint32_t>(next_free_));
  return static_cast<std::uint32_t>(next_free_);
}

Result<std::uint32_t> DestinationSets::intern(const model::Route& route) {
  return intern(route.destinations, "route \"" + route.name + "\"");
}

Result<std::uint32_t> DestinationSets::intern(const model::TcpRoute& route) {
  return intern(route.destinations, "a TCP route");
}

Result<std::uint32_t> DestinationSets::intern(
    const std::vector<model::WeightedDestination>& destinations, const std::string& route) {
  DestinationSet set;
  set.shares = shares_of(destinations);
  set.key = key_of(set.shares);
  if (auto checked = check(set, route); !checked) return tl::unexpected(checked.error());
  set.id = id_of(set.key);
  Slot& slot = slots_[set.id];
  if (slot.used) return set.id;
  resolve_shares(set);
  // Also compared: places in files, which move when lines above do.
  if (!slot.set || *slot.set != set)
    slot.set = std::make_shared<const DestinationSet>(std::move(set));
  slot.used = true;
  return slot.set->id;
}

Result<std::uint32_t> DestinationSets::keep(std::uint32_t id, const model::Route& route) {
  Slot& slot = slots_[id];
  if (slot.used) return id;
  if (slot.stale) {
    DestinationSet set = *slot.set;
    if (auto checked = check(set, "route \"" + route.name + "\""); !checked) {
      return tl::unexpected(checked.error());
    }
    resolve_shares(set);
    if (*slot.set != set) slot.set = std::make_shared<const DestinationSet>(std::move(set));
  }
  slot.used = true;
  return id;
}

std::vector<DestinationSetPtr> DestinationSets::take_sets() {
  std::vector<DestinationSetPtr> out;
  out.reserve(slots_.size());
  for (Slot& slot : slots_) out.push_back(slot.used ? std::move(slot.set) : nullptr);
  while (!out.empty() && !out.back()) out.pop_back();
  return out;
}

void DestinationSets::resolve_shares(DestinationSet& set) {
  set.conditions.clear();
  for (Share& share : set.shares) {
    const Resolved& resolved = resolver_.of(share.cluster);
    share.state = resolved.state;
    share.endpoints = resolved.endpoints;
    share.policy = world_.clusters.at(share.cluster)->policy;
    share.invalid = world_.clusters.at(share.cluster)->invalid;
  }
  if (!set.has_endpoint()) {
    for (Share& share : set.shares) {
      const Resolved& resolved = resolver_.of(share.cluster);
      if (share.state != ShareState::kEmpty || resolved.draining.empty()) continue;
      share.state = ShareState::kDraining;
      share.endpoints = resolved.draining;
    }
  }
  const bool has_endpoint = set.has_endpoint();
  for (Share& share : set.shares) {
    share.tables = tables_.get(share);
    // Weights are relative: taking one away gives its share to the others in proportion to theirs.
    const bool spread = share.state == ShareState::kEmpty && has_endpoint && !share.invalid;
    share.effective_weight = spread ? 0 : share.weight;
    if (share.weight > 0) record(set, share, has_endpoint);
  }
}

void DestinationSets::record(DestinationSet& set, const Share& share, bool set_has_endpoint) {
  if (share.state == ShareState::kReady) return;
  const model::Cluster& cluster = *world_.clusters.at(share.cluster);
  Condition condition;
  condition.cluster = share.cluster;
  condition.origin = cluster.origin.file.empty() ? share.origin : cluster.origin;
  condition.message = subset_of(cluster) + " has no ready endpoint";
  if (share.invalid) {
    condition.type = "invalid_backend";
    condition.message =
        "references of routes lead nowhere; what they would get is answered 500. See the "
        "diagnostics for which";
  } else if (share.state == ShareState::kKept) {
    condition.type = "subset_kept";
    condition.message += " since its selector changed; it keeps " +
                         count_of(share.endpoints.size(), "endpoint") +
                         " of the selector before. Check the labels of the pods";
  } else if (share.state == ShareState::kEmpty && set_has_endpoint) {
    condition.type = "subset_empty";
    condition.message += "; its share goes to the other " +
                         count_of(set.shares.size() - 1, "destination") + " of its route";
  } else if (share.state == ShareState::kDraining) {
    condition.type = "no_endpoints";
    condition.message += ", nor has its route another; it uses " +
                         count_of(share.endpoints.size(), "endpoint") +
                         " that still serve while "
                         "they shut down";
  } else {
    condition.type = "no_endpoints";
    condition.message +=
        ", nor has its route another; requests are answered 503. Check that the "
        "pods run, are ready and carry these labels";
  }
  set.conditions.push_back(std::move(condition));
}

std::vector<Condition> conditions_of(const std::vector<DestinationSetPtr>& sets) {
  std::map<std::pair<std::string, std::string>, const Condition*> found;
  for (const DestinationSetPtr& set : sets) {
    if (!set) continue;
    for (const Condition& condition : set->conditions) {
      found.try_emplace({condition.type, condition.cluster}, &condition);
    }
  }
  std::vector<Condition> out;
  for (const auto& [key, condition] : found) out.push_back(*condition);
  return out;
}

}  // namespace sluice::snapshot
