// SPDX-License-Identifier: Apache-2.0
#include "agent/balance/locality.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

namespace sluice::balance {
namespace {

using model::Endpoint;
using model::Locality;
using model::LocalityPolicy;

bool is_any(const std::string& part) { return part.empty() || part == "*"; }

bool matches(const Locality& pattern, const Locality& place) {
  if (is_any(pattern.region)) return true;
  if (pattern.region != place.region) return false;
  if (is_any(pattern.zone)) return true;
  if (pattern.zone != place.zone) return false;
  return is_any(pattern.subzone) || pattern.subzone == place.subzone;
}

// Fits 32 bits, and the lightest of 10,000 endpoints of one locality still has a weight.
constexpr std::uint64_t kDistributeScale = 1'000'000;

void distribute(std::span<Endpoint> endpoints, const LocalityPolicy::Distribute& rule) {
  std::vector<std::optional<std::size_t>> target(endpoints.size());
  std::vector<std::uint64_t> total(rule.to.size());
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    for (std::size_t t = 0; t < rule.to.size() && !target[i]; ++t) {
      if (matches(rule.to[t].first, endpoints[i].locality)) target[i] = t;
    }
    if (target[i]) total[*target[i]] += endpoints[i].weight;
  }
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    std::uint64_t weight = 0;
    if (target[i] && total[*target[i]] > 0) {
      const std::uint64_t share = std::min<std::uint32_t>(rule.to[*target[i]].second, 100);
      weight = share * kDistributeScale * endpoints[i].weight / total[*target[i]];
      if (share > 0 && endpoints[i].weight > 0) weight = std::max<std::uint64_t>(weight, 1);
    }
    endpoints[i].weight = static_cast<std::uint32_t>(weight);
  }
}

std::uint32_t distance(const Locality& own, const Locality& place) {
  if (own.region != place.region) return 3;
  if (own.zone != place.zone) return 2;
  return own.subzone == place.subzone ? 0 : 1;
}

void by_place(std::span<Endpoint> endpoints, const LocalityPolicy* policy, const Locality& own) {
  const std::string* to = nullptr;
  if (policy != nullptr) {
    const auto rule = std::ranges::find(policy->failover, own.region.str(),
                                        &std::pair<std::string, std::string>::first);
    if (rule != policy->failover.end()) to = &rule->second;
  }
  for (Endpoint& endpoint : endpoints) {
    endpoint.priority = distance(own, endpoint.locality);
    if (endpoint.priority == 3 && to != nullptr && endpoint.locality.region != *to) {
      endpoint.priority = 4;
    }
  }
}

void by_labels(std::span<Endpoint> endpoints, const std::vector<std::string>& order,
               const std::map<std::string, std::string>& own) {
  std::vector<std::string> wanted;
  for (const std::string& entry : order) {
    if (const auto equals = entry.find('='); equals != std::string::npos) {
      wanted.push_back(entry.substr(equals + 1));
    } else {
      const auto label = own.find(entry);
      wanted.push_back(label == own.end() ? std::string() : label->second);
    }
  }
  for (Endpoint& endpoint : endpoints) {
    std::size_t same = 0;
    while (same < wanted.size() &&
           (same < endpoint.failover_labels.size() ? endpoint.failover_labels[same]
                                                   : SharedText()) == wanted[same]) {
      ++same;
    }
    endpoint.priority = static_cast<std::uint32_t>(wanted.size() - same);
  }
}

void close_up(std::span<Endpoint> endpoints) {
  std::set<std::uint32_t> present;
  for (const Endpoint& endpoint : endpoints) present.insert(endpoint.priority);
  for (Endpoint& endpoint : endpoints) {
    endpoint.priority =
        static_cast<std::uint32_t>(std::distance(present.begin(), present.find(endpoint.priority)));
  }
}

}  // namespace

void apply_locality(std::span<Endpoint> endpoints, const model::TrafficPolicy& policy,
                    const OwnPlace& own) {
  const LocalityPolicy* locality =
      policy.load_balancer.locality ? &*policy.load_balancer.locality : nullptr;
  if (locality != nullptr && !locality->enabled) return;
  const bool placed = !own.locality.region.empty();
  if (locality != nullptr && !locality->distribute.empty()) {
    if (!placed) return;
    for (const auto& rule : locality->distribute) {
      if (!matches(rule.from, own.locality)) continue;
      distribute(endpoints, rule);
      return;
    }
    return;
  }
  if (!policy.outlier_detection) return;
  if (locality != nullptr && !locality->failover_priority.empty()) {
    by_labels(endpoints, locality->failover_priority, own.labels);
  } else if (placed) {
    by_place(endpoints, locality, own.locality);
  }
  close_up(endpoints);
}

}  // namespace sluice::balance
