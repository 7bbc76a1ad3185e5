// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/rule_book.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "agent/config/translate/hosts.hpp"
#include "agent/config/translate/traffic_policy.hpp"

namespace sluice::config {
namespace {

std::string name_of(const DestinationRuleSpec& rule) {
  return fmt::format("DestinationRule {} ({})", rule.meta.full_name(),
                     model::location(rule.host.origin));
}

void report_second_policy(const DestinationRuleSpec& winner, const DestinationRuleSpec& loser,
                          Diagnostics& diagnostics) {
  add_warning(diagnostics, loser.policy->sections.origin, "rule_conflict",
              fmt::format("`{}` has a trafficPolicy in {} already, which wins", loser.host.value,
                          name_of(winner)),
              "keep one of them; the order is by creation time, then by name");
}

void report_second_subset(const SubsetSpec& winner, const SubsetSpec& loser,
                          Diagnostics& diagnostics) {
  add_warning(diagnostics, loser.origin, "rule_conflict",
              fmt::format("the subset `{}` is already defined by {} ({}), which wins", loser.name,
                          winner.origin.object, model::location(winner.origin)),
              "keep one of them; the order is by creation time, then by name");
}

void put_together(MergedRule& out, Diagnostics& diagnostics) {
  const DestinationRuleSpec* speaker = nullptr;  // whose trafficPolicy holds
  for (const DestinationRuleSpec* rule : out.rules) {
    if (!rule->policy) continue;
    if (speaker == nullptr) {
      speaker = rule;
    } else {
      report_second_policy(*speaker, *rule, diagnostics);
    }
  }
  if (speaker != nullptr) out.policies = speaker->policies;
  for (const DestinationRuleSpec* rule : out.rules) {
    for (const SubsetSpec& subset : rule->subsets) {
      if (const MergedSubset* first = out.subset(subset.name)) {
        report_second_subset(*first->spec, subset, diagnostics);
      } else if (rule == speaker || speaker == nullptr) {
        out.subsets.push_back({&subset, subset.policies});
      } else {
        out.subsets.push_back(
            {&subset, subset.policy ? combine(&*speaker->policy, &*subset.policy) : out.policies});
      }
    }
  }
}

}  // namespace

const MergedSubset* MergedRule::subset(const std::string& name) const {
  const auto found = std::ranges::find_if(
      subsets, [&](const MergedSubset& subset) { return subset.spec->name == name; });
  return found == subsets.end() ? nullptr : &*found;
}

void RuleBook::add(const DestinationRuleSpec& rule, std::string host) {
  name_spaces_[rule.meta.name_space].rules[std::move(host)].rules.push_back(&rule);
}

void RuleBook::finish(Diagnostics& diagnostics) {
  for (auto& [name, name_space] : name_spaces_) {
    for (auto& [host, merged] : name_space.rules) {
      put_together(merged, diagnostics);
      if (is_wildcard(host)) name_space.wildcards.push_back(host);
    }
    std::ranges::sort(name_space.wildcards, [](const std::string& a, const std::string& b) {
      return a.size() != b.size() ? a.size() > b.size() : a < b;
    });
  }
}

std::vector<std::string> RuleBook::order(const std::string& name_space) const {
  std::vector<std::string> out;
  const auto add = [&out](const std::string& name) {
    if (std::ranges::find(out, name) == out.end()) out.push_back(name);
  };
  // The root's rules are for the whole mesh, so they come last even where a Gateway stands there.
  const std::string root(kRootNamespace);
  for (const std::string& client : clients_) {
    if (client != root) add(client);
  }
  if (name_space != root) add(name_space);
  add(root);
  return out;
}

bool RuleBook::exported(const DestinationRuleSpec& rule) const {
  return rule.export_to.everywhere || std::ranges::any_of(clients_, [&](const std::string& client) {
           return rule.export_to.reaches(client);
         });
}

bool RuleBook::sees(const DestinationRuleSpec& rule, const std::string& name_space) const {
  const std::string& own = rule.meta.name_space;
  return own == name_space || own == kRootNamespace || clients_.contains(own);
}

const MergedRule* RuleBook::find(const std::string& host, const std::string& name_space) const {
  for (const std::string& name : order(name_space)) {
    const auto place = name_spaces_.find(name);
    if (place == name_spaces_.end()) continue;
    const Namespace& found = place->second;
    if (const auto exact = found.rules.find(host); exact != found.rules.end()) {
      return &exact->second;
    }
    const auto wildcard = std::ranges::find_if(
        found.wildcards, [&](const std::string& pattern) { return covers(pattern, host); });
    if (wildcard != found.wildcards.end()) return &found.rules.at(*wildcard);
  }
  return nullptr;
}

}  // namespace sluice::config
