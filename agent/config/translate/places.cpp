// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/places.hpp"

namespace sluice::config {

Places::Places(const SpecSet& specs) {
  const auto know = [this](const model::Locality& locality) {
    if (!locality.zone.empty()) region_of_zone_.try_emplace(locality.zone, locality.region);
  };
  know(specs.place.locality);
  for (const NodeSpec* node : specs.nodes) {
    nodes_.emplace(node->meta.name, node);
    know(node->locality);
  }
}

model::Locality Places::of(const PodSpec* pod, const std::string& node,
                           const std::string& zone) const {
  if (pod != nullptr && !pod->locality.region.empty()) return pod->locality;
  const auto found = nodes_.find(node.empty() && pod != nullptr ? pod->node : node);
  if (found != nodes_.end() && found->second->locality != model::Locality{}) {
    return found->second->locality;
  }
  model::Locality out;
  out.zone = zone;
  if (const auto region = region_of_zone_.find(zone); region != region_of_zone_.end()) {
    out.region = region->second;
  }
  return out;
}

model::Place own_place(const SpecSet& specs, const TranslateOptions& options) {
  model::Place out;
  out.labels = options.gateway_labels;
  for (const NodeSpec* node : specs.nodes) {
    if (node->meta.name != options.node_name) continue;
    out.locality = node->locality;
    out.labels.insert(node->meta.labels.begin(), node->meta.labels.end());
  }
  if (options.locality) out.locality = *options.locality;
  add_place_labels(out.locality, options.node_name, {}, out.labels);
  return out;
}

void add_place_labels(const model::Locality& locality, const std::string& node,
                      const std::string& network, Labels& labels) {
  const auto set = [&labels](const char* name, const std::string& value) {
    if (!value.empty()) labels[name] = value;
  };
  set("topology.kubernetes.io/region", locality.region);
  set("topology.kubernetes.io/zone", locality.zone);
  set("topology.istio.io/subzone", locality.subzone);
  set("kubernetes.io/hostname", node);
  set("topology.istio.io/network", network);
}

}  // namespace sluice::config
