// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/service_endpoints.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace sluice::config {
namespace {

std::uint16_t pod_port(const ServicePort& port, const PodSpec& pod) {
  if (port.target_name.empty()) return port.target_number;
  const auto found = pod.named_ports.find(port.target_name);
  return found == pod.named_ports.end() ? std::uint16_t{0} : found->second;
}

// A dual-stack pod stands in a slice of each family: counted once, by its IPv4 address.
void drop_second_family(std::vector<LabelledEndpoint>& endpoints) {
  std::set<std::string> four;
  for (const LabelledEndpoint& e : endpoints) {
    if (e.endpoint.address.ip.is_v4()) four.insert(e.endpoint.name);
  }
  std::erase_if(endpoints, [&](const LabelledEndpoint& e) {
    return !e.endpoint.address.ip.is_v4() && four.contains(e.endpoint.name);
  });
}

}  // namespace

bool selects(const Labels& selector, const Labels& labels) {
  return std::all_of(selector.begin(), selector.end(), [&](const auto& wanted) {
    const auto found = labels.find(wanted.first);
    return found != labels.end() && found->second == wanted.second;
  });
}

void sort_unique(std::vector<LabelledEndpoint>& endpoints) {
  std::sort(endpoints.begin(), endpoints.end(), [](const auto& a, const auto& b) {
    return std::tie(a.endpoint.address, a.endpoint.name) <
           std::tie(b.endpoint.address, b.endpoint.name);
  });
  const auto last = std::unique(endpoints.begin(), endpoints.end(), [](auto& kept, const auto& e) {
    if (kept.endpoint.address != e.endpoint.address) return false;
    // The same pod may stand in two slices for a moment: ready in one of them is ready.
    kept.endpoint.ready |= e.endpoint.ready;
    kept.endpoint.serving |= e.endpoint.serving;
    kept.endpoint.terminating &= e.endpoint.terminating;
    return true;
  });
  endpoints.erase(last, endpoints.end());
  endpoints.shrink_to_fit();
}

ServiceEndpoints::ServiceEndpoints(const SpecSet& specs) : places_(specs), specs_(specs) {
  for (const PodSpec* pod : specs.pods) {
    pods_[pod->meta.full_name()] = pod;
    pods_by_namespace_[pod->meta.name_space].push_back(pod);
  }
  for (const EndpointSliceSpec* slice : specs.slices) {
    if (slice->service.empty()) continue;
    slices_[slice->meta.name_space + "/" + slice->service].push_back(slice);
  }
}

std::shared_ptr<const Labels> ServiceEndpoints::labels_of(const PodSpec& pod,
                                                          const model::Locality& locality) {
  std::shared_ptr<const Labels>& kept = labels_[&pod];
  if (kept) return kept;
  auto labels = std::make_shared<Labels>(pod.meta.labels);
  add_place_labels(locality, pod.node, {}, *labels);
  kept = std::move(labels);
  return kept;
}

std::shared_ptr<const Labels> ServiceEndpoints::labels_of(const model::Locality& locality,
                                                          const SharedText& node) {
  std::shared_ptr<const Labels>& kept = place_labels_[{locality, node}];
  if (kept) return kept;
  auto labels = std::make_shared<Labels>();
  add_place_labels(locality, node, {}, *labels);
  kept = std::move(labels);
  return kept;
}

LabelledEndpoint ServiceEndpoints::make(const PodSpec& pod, std::uint16_t port) {
  LabelledEndpoint out;
  out.endpoint.address = {pod.addresses.front(), port};
  out.endpoint.name = pod.meta.full_name();
  out.endpoint.ready = pod.ready && !pod.terminating;
  out.endpoint.serving = pod.ready;
  out.endpoint.terminating = pod.terminating;
  out.endpoint.ready_since = pod.ready_since;
  out.endpoint.locality = places_.of(&pod, {}, {});
  out.labels = labels_of(pod, out.endpoint.locality);
  return out;
}

void ServiceEndpoints::add_slices(const std::vector<const EndpointSliceSpec*>& slices,
                                  const std::string& port, Endpoints& out) {
  for (const EndpointSliceSpec* slice : slices) {
    for (const auto& [name, number] : slice->ports) {
      if (name != port) continue;
      for (const SliceEndpoint& from : slice->endpoints) {
        const auto found = pods_.find(from.pod);
        const PodSpec* pod = found == pods_.end() ? nullptr : found->second;
        LabelledEndpoint made;
        made.endpoint.ready = from.ready;
        made.endpoint.serving = from.serving;
        made.endpoint.terminating = from.terminating;
        made.endpoint.locality = places_.of(pod, from.node, from.zone);
        if (pod != nullptr) {
          made.endpoint.ready_since = pod->ready_since;
          made.labels = labels_of(*pod, made.endpoint.locality);
        } else {
          made.labels = labels_of(made.endpoint.locality, from.node);
        }
        for (const IpAddress& ip : from.addresses) {
          made.endpoint.address = {ip, number};
          made.endpoint.name = from.pod.empty() ? SharedText(to_string(ip)) : from.pod;
          out.push_back(made);
        }
      }
    }
  }
}

void ServiceEndpoints::add_pods(const ServiceSpec& service, const ServicePort& port,
                                Endpoints& out) {
  const auto pods = pods_by_namespace_.find(service.meta.name_space);
  if (pods == pods_by_namespace_.end() || service.selector.empty()) return;
  for (const PodSpec* pod : pods->second) {
    const std::uint16_t number = pod_port(port, *pod);
    if (!selects(service.selector, pod->meta.labels) || pod->addresses.empty() || number == 0) {
      continue;
    }
    out.push_back(make(*pod, number));
    // As the API server does it for slices.
    if (service.publish_not_ready) out.back().endpoint.ready = true;
  }
}

std::vector<LabelledEndpoint> ServiceEndpoints::of(const ServiceSpec& service,
                                                   const ServicePort& port) {
  Endpoints out;
  const auto slices = slices_.find(service.meta.full_name());
  if (slices != slices_.end()) {
    add_slices(slices->second, port.name, out);
  } else {
    add_pods(service, port, out);
  }
  drop_second_family(out);
  sort_unique(out);
  return out;
}

void ServiceEndpoints::add_workload(const WorkloadSpec& workload, const ServiceEntryPort& port,
                                    Endpoints& out) {
  if (!workload.address) return;
  const auto named = workload.ports.find(port.name);
  LabelledEndpoint made;
  made.endpoint.address = {*workload.address, named != workload.ports.end()
                                                  ? named->second
                                                  : port.target.value_or(port.number)};
  made.endpoint.name = workload.name;
  made.endpoint.weight = workload.weight;
  made.endpoint.locality = workload.locality;
  made.endpoint.ready_since = workload.ready_since;
  auto labels = std::make_shared<Labels>(workload.labels);
  add_place_labels(workload.locality, {}, workload.network, *labels);
  made.labels = std::move(labels);
  out.push_back(std::move(made));
}

void ServiceEndpoints::add_selected(const ServiceEntrySpec& entry, const ServiceEntryPort& port,
                                    Endpoints& out) {
  for (const WorkloadEntrySpec* candidate : specs_.workload_entries) {
    if (candidate->meta.name_space == entry.meta.name_space &&
        selects(*entry.workload_selector, candidate->workload.labels)) {
      add_workload(candidate->workload, port, out);
    }
  }
  const auto pods = pods_by_namespace_.find(entry.meta.name_space);
  if (pods == pods_by_namespace_.end()) return;
  for (const PodSpec* pod : pods->second) {
    if (!selects(*entry.workload_selector, pod->meta.labels) || pod->addresses.empty()) continue;
    out.push_back(make(*pod, port.target.value_or(port.number)));
  }
}

std::vector<LabelledEndpoint> ServiceEndpoints::of(const ServiceEntrySpec& entry,
                                                   const ServiceEntryPort& port) {
  Endpoints out;
  for (const WorkloadSpec& workload : entry.endpoints) add_workload(workload, port, out);
  if (entry.workload_selector) add_selected(entry, port, out);
  sort_unique(out);
  return out;
}

}  // namespace sluice::config
