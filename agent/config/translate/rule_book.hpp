// SPDX-License-Identifier: Apache-2.0
// RuleBook: which destination rules speak of a service, and what they say together. Built once a load by Registry.
// Thread: main. Invariants: independent of the order in which objects arrive.
//
// A rule is looked for as for a gateway of the mesh: in the namespaces of the Gateways, in the service's namespace and
// in the mesh's root namespace; the first of them that has a rule for the host decides alone. In it the most specific
// host decides alone. Several rules for that host are one: subsets of all, of one name the oldest; the oldest
// trafficPolicy.
#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/translate/diagnostics.hpp"
#include "agent/config/translate/spec.hpp"

namespace sluice::config {

// Where rules for the whole mesh stand.
inline constexpr std::string_view kRootNamespace = "istio-system";

struct MergedSubset {
  const SubsetSpec* spec = nullptr;
  PolicySet policies;
};

// Rules for one host in one namespace, the oldest first. Borrows their specs.
struct MergedRule {
  std::vector<const DestinationRuleSpec*> rules;
  std::vector<MergedSubset> subsets;
  PolicySet policies;

  [[nodiscard]] const MergedSubset* subset(const std::string& name) const;
};

class RuleBook {
 public:
  // `clients`: the namespaces of the Gateways.
  explicit RuleBook(std::set<std::string> clients = {}) : clients_(std::move(clients)) {}

  // In the order (creation time, namespace, name). `host`: full name or wildcard.
  void add(const DestinationRuleSpec& rule, std::string host);
  // Puts together what was added; conflicts are reported.
  void finish(Diagnostics& diagnostics);

  // nullptr when no rule covers the host.
  [[nodiscard]] const MergedRule* find(const std::string& host,
                                       const std::string& name_space) const;
  // The namespaces in which rules for a service of `name_space` are looked for, in order.
  [[nodiscard]] std::vector<std::string> order(const std::string& name_space) const;
  // May a Gateway use the rule (exportTo)?
  [[nodiscard]] bool exported(const DestinationRuleSpec& rule) const;
  // Is the rule's namespace among those?
  [[nodiscard]] bool sees(const DestinationRuleSpec& rule, const std::string& name_space) const;

 private:
  struct Namespace {
    std::map<std::string, MergedRule> rules;  // by host
    std::vector<std::string> wildcards;       // those of rules, the longest first
  };

  std::set<std::string> clients_;
  std::map<std::string, Namespace> name_spaces_;
};

}  // namespace sluice::config
