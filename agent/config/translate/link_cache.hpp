// SPDX-License-Identifier: Apache-2.0
// LinkCache: virtual services with their destinations looked up, carried from load to load. One is linked again only
// when it, a service or rule that it leads to, a delegate or a gateway changed, or when something was wrong with it.
// Called by translator.cpp. Thread: main. Invariants: gives what linking everything anew would give.
#pragma once
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/config/translate/destination.hpp"
#include "agent/config/translate/spec_store.hpp"

namespace sluice::config {

class LinkCache {
 public:
  explicit LinkCache(std::string cluster_domain) : cluster_domain_(std::move(cluster_domain)) {}

  // After SpecStore::update(), before its forget().
  void refresh(const SpecSet& specs, const SpecStore::Changes& changes);
  // The virtual service's newest link: the same object as before when nothing about it changed.
  [[nodiscard]] std::shared_ptr<const LinkedVirtualService> link(const VirtualServiceSpec& spec,
                                                                 const SpecSet& specs);
  // Drops what the last round did not ask for.
  void finish();
  // What is wrong with services, rules and endpoints by themselves.
  [[nodiscard]] const Diagnostics& registry_problems() const { return registry_problems_; }
  [[nodiscard]] const Registry& registry() const { return *registry_; }
  // Hosts whose service or rules the last refresh() found changed; nullopt when names may mean something else now.
  [[nodiscard]] const std::optional<std::set<std::string>>& changed() const { return changed_; }
  // Equal clusters of several loads and routes are one object.
  void share(Clusters& clusters);

 private:
  struct Entry {
    std::shared_ptr<const LinkedVirtualService> linked;
    std::vector<const VirtualServiceSpec*> delegates;  // what it was made with
    bool used = false;
  };
  // Hosts whose service or rules differ between the registries; nullopt when names may mean something else now.
  [[nodiscard]] std::optional<std::set<std::string>> changed_hosts(const Registry& before) const;

  std::string cluster_domain_;
  std::unique_ptr<Registry> registry_;
  Diagnostics registry_problems_;
  std::optional<std::set<std::string>> changed_;
  std::unordered_map<const VirtualServiceSpec*, Entry> entries_;
  std::unordered_map<std::string, model::ClusterPtr> clusters_;  // by key
};

}  // namespace sluice::config
