// SPDX-License-Identifier: Apache-2.0
// ServiceEndpoints: the endpoints of Services and ServiceEntries, with where they run. Made once a load by Registry.
// Thread: main. Borrows the specs.
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/config/translate/places.hpp"
#include "agent/config/translate/registry.hpp"

namespace sluice::config {

class ServiceEndpoints {
 public:
  explicit ServiceEndpoints(const SpecSet& specs);

  // From the Service's EndpointSlices; without any, from the Pods that its selector names (so that hand-written files
  // need no slices).
  [[nodiscard]] std::vector<LabelledEndpoint> of(const ServiceSpec& service,
                                                 const ServicePort& port);
  // The listed endpoints, or the WorkloadEntries and Pods of the entry's namespace that its selector names.
  [[nodiscard]] std::vector<LabelledEndpoint> of(const ServiceEntrySpec& entry,
                                                 const ServiceEntryPort& port);

 private:
  using Endpoints = std::vector<LabelledEndpoint>;

  void add_slices(const std::vector<const EndpointSliceSpec*>& slices, const std::string& port,
                  Endpoints& out);
  void add_pods(const ServiceSpec& service, const ServicePort& port, Endpoints& out);
  void add_workload(const WorkloadSpec& workload, const ServiceEntryPort& port, Endpoints& out);
  void add_selected(const ServiceEntrySpec& entry, const ServiceEntryPort& port, Endpoints& out);
  // An endpoint at the pod's first address.
  LabelledEndpoint make(const PodSpec& pod, std::uint16_t port);
  // The pod's labels with those of its place; made once a pod.
  std::shared_ptr<const Labels> labels_of(const PodSpec& pod, const model::Locality& locality);
  // Those of a place and node alone; made once each.
  std::shared_ptr<const Labels> labels_of(const model::Locality& locality, const SharedText& node);

  Places places_;
  const SpecSet& specs_;
  std::map<std::string, const PodSpec*> pods_;  // "ns/name"
  std::map<std::string, std::vector<const PodSpec*>> pods_by_namespace_;
  std::map<std::string, std::vector<const EndpointSliceSpec*>> slices_;  // "ns/service"
  std::map<const PodSpec*, std::shared_ptr<const Labels>> labels_;
  std::map<std::pair<model::Locality, SharedText>, std::shared_ptr<const Labels>> place_labels_;
};

}  // namespace sluice::config
