// SPDX-License-Identifier: Apache-2.0
// Places: where endpoints and this agent run, from Nodes, Pods and EndpointSlices. Made once a load, used by
// ServiceEndpoints and translator.cpp. Thread: main. Borrows the specs.
#pragma once
#include <map>
#include <string>

#include "agent/config/config.hpp"
#include "agent/config/translate/registry.hpp"

namespace sluice::config {

class Places {
 public:
  explicit Places(const SpecSet& specs);

  // A pod's label istio-locality counts first, then the labels of its Node, then the zone that its EndpointSlice names
  // (whose region is that of a Node of this zone, or of this agent). `pod` may be null.
  [[nodiscard]] model::Locality of(const PodSpec* pod, const std::string& node,
                                   const std::string& zone) const;

 private:
  std::map<std::string, const NodeSpec*> nodes_;
  std::map<std::string, std::string> region_of_zone_;
};

// From --locality, else the Node of --node-name; its labels, the agent's own and those of its place.
[[nodiscard]] model::Place own_place(const SpecSet& specs, const TranslateOptions& options);

// What Istio adds to the labels of an endpoint, so that subsets and failoverPriority may name it.
void add_place_labels(const model::Locality& locality, const std::string& node,
                      const std::string& network, Labels& labels);

}  // namespace sluice::config
