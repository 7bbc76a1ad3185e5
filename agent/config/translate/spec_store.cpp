// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/spec_store.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace sluice::config {
namespace {

// In (creation time, namespace, name) order. An object without a creation time counts as newest: files have none, and
// then names decide.
bool before(const ObjectMeta& a, const ObjectMeta& b) {
  const bool undated[] = {a.created.empty(), b.created.empty()};
  return std::tie(undated[0], a.created, a.name_space, a.name) <
         std::tie(undated[1], b.created, b.name_space, b.name);
}

template <typename T>
void insert(std::vector<const T*>& specs, const T* spec) {
  const auto at = std::upper_bound(specs.begin(), specs.end(), spec,
                                   [](const T* a, const T* b) { return before(a->meta, b->meta); });
  specs.insert(at, spec);
}

template <typename T>
void erase(std::vector<const T*>& specs, const T* spec) {
  auto at = std::lower_bound(specs.begin(), specs.end(), spec,
                             [](const T* a, const T* b) { return before(a->meta, b->meta); });
  while (at != specs.end() && *at != spec) ++at;
  if (at != specs.end()) specs.erase(at);
}

// The list of a SpecSet that specs of this kind stand in.
std::vector<const GatewaySpec*>& list_of(SpecSet& s, const GatewaySpec*) { return s.gateways; }
std::vector<const VirtualServiceSpec*>& list_of(SpecSet& s, const VirtualServiceSpec*) {
  return s.virtual_services;
}
std::vector<const DestinationRuleSpec*>& list_of(SpecSet& s, const DestinationRuleSpec*) {
  return s.rules;
}
std::vector<const ServiceEntrySpec*>& list_of(SpecSet& s, const ServiceEntrySpec*) {
  return s.service_entries;
}
std::vector<const WorkloadEntrySpec*>& list_of(SpecSet& s, const WorkloadEntrySpec*) {
  return s.workload_entries;
}
std::vector<const ServiceSpec*>& list_of(SpecSet& s, const ServiceSpec*) { return s.services; }
std::vector<const EndpointSliceSpec*>& list_of(SpecSet& s, const EndpointSliceSpec*) {
  return s.slices;
}
std::vector<const PodSpec*>& list_of(SpecSet& s, const PodSpec*) { return s.pods; }
std::vector<const NodeSpec*>& list_of(SpecSet& s, const NodeSpec*) { return s.nodes; }
std::vector<const GatewayClassSpec*>& list_of(SpecSet& s, const GatewayClassSpec*) {
  return s.gateway_classes;
}
std::vector<const ApiGatewaySpec*>& list_of(SpecSet& s, const ApiGatewaySpec*) {
  return s.api_gateways;
}
std::vector<const ListenerSetSpec*>& list_of(SpecSet& s, const ListenerSetSpec*) {
  return s.listener_sets;
}
std::vector<const ApiRouteSpec*>& list_of(SpecSet& s, const ApiRouteSpec*) { return s.api_routes; }
std::vector<const ReferenceGrantSpec*>& list_of(SpecSet& s, const ReferenceGrantSpec*) {
  return s.grants;
}
std::vector<const NamespaceSpec*>& list_of(SpecSet& s, const NamespaceSpec*) {
  return s.name_spaces;
}

void note(const Spec& spec, SpecStore::Changes& changes) {
  if (std::holds_alternative<VirtualServiceSpec>(spec)) return;
  if (std::holds_alternative<ApiRouteSpec>(spec)) return;
  if (std::holds_alternative<ReferenceGrantSpec>(spec)) {
    changes.grants = true;
    return;
  }
  if (std::holds_alternative<GatewayClassSpec>(spec) ||
      std::holds_alternative<ListenerSetSpec>(spec) ||
      std::holds_alternative<NamespaceSpec>(spec)) {
    return;
  }
  changes.registry = true;
  changes.gateways |= std::holds_alternative<GatewaySpec>(spec);
}

}  // namespace

SpecPtr SpecStore::good(const ObjectKey& key) const {
  const auto found = kept_.find(key);
  return found == kept_.end() ? nullptr : found->second.good;
}

SpecPtr SpecStore::choose(const Loaded& loaded, const ObjectKey& key) {
  const auto candidate = loaded.objects.find(key);
  if (candidate != loaded.objects.end() && candidate->second.spec) return candidate->second.spec;
  const auto old = kept_.find(key);
  if (candidate != loaded.objects.end()) {
    rejected_.insert(key);
  } else if (old == kept_.end() || !loaded.broken_files.contains(old->second.file)) {
    return nullptr;
  }
  unsettled_.insert(key);
  return old == kept_.end() ? nullptr : old->second.good;
}

void SpecStore::replace(const ObjectKey& key, const SpecPtr& next, Changes& changes) {
  const auto now = chosen_.find(key);
  const SpecPtr old = now == chosen_.end() ? nullptr : now->second;
  if (old == next) return;
  if (old) {
    std::visit([this](const auto& spec) { erase(list_of(specs_, &spec), &spec); }, *old);
    note(*old, changes);
    replaced_.push_back(old);
  }
  if (next) {
    std::visit([this](const auto& spec) { insert(list_of(specs_, &spec), &spec); }, *next);
    note(*next, changes);
    chosen_[key] = next;
  } else {
    chosen_.erase(now);
  }
}

void SpecStore::index_names() {
  specs_.gateway_by_name.clear();
  specs_.gateway_names.clear();
  specs_.delegate_by_name.clear();
  specs_.rejected_gateways.clear();
  for (const GatewaySpec* gateway : specs_.gateways) {
    specs_.gateway_by_name.emplace(gateway->meta.full_name(), gateway);
    specs_.gateway_names.push_back(gateway->meta.full_name());
  }
  for (const VirtualServiceSpec* service : specs_.virtual_services) {
    if (service->hosts.empty()) {
      specs_.delegate_by_name.emplace(service->meta.full_name(), service);
    }
  }
  for (const ObjectKey& key : rejected_) {
    if (key.kind == "Gateway" && !chosen_.contains(key)) {
      specs_.rejected_gateways.insert(key.name_space + "/" + key.name);
    }
  }
}

SpecStore::Changes SpecStore::update(const Loaded& loaded) {
  touched_ = loaded.changed;
  touched_.merge(std::exchange(unsettled_, {}));
  const auto rejected_before = std::exchange(rejected_, {});
  Changes changes;
  for (const ObjectKey& key : touched_) replace(key, choose(loaded, key), changes);
  const auto is_gateway = [](const ObjectKey& key) { return key.kind == "Gateway"; };
  // That a gateway is rejected is told to those that name it.
  changes.gateways |=
      rejected_before != rejected_ && (std::ranges::any_of(rejected_before, is_gateway) ||
                                       std::ranges::any_of(rejected_, is_gateway));
  specs_.refused.clear();
  for (const ObjectKey& key : rejected_) {
    const Refused& refused = loaded.objects.at(key).refused;
    if (refused.spec) specs_.refused.push_back(refused);
  }
  index_names();
  return changes;
}

void SpecStore::remember(const Loaded& loaded, std::set<ObjectKey> unlinked) {
  for (const ObjectKey& key : touched_) {
    const auto now = chosen_.find(key);
    if (now == chosen_.end()) {
      kept_.erase(key);
      continue;
    }
    const auto candidate = loaded.objects.find(key);
    const auto old = kept_.find(key);
    std::string file =
        candidate != loaded.objects.end() ? candidate->second.file : old->second.file;
    if (!unlinked.contains(key)) {
      kept_[key] = {std::move(file), now->second};
    } else if (old != kept_.end()) {
      old->second.file = std::move(file);
    }
  }
  unsettled_.merge(std::move(unlinked));
}

}  // namespace sluice::config
