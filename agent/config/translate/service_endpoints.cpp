// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>
#include <tuple>

#include "agent/config/translate/registry.hpp"

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
}

ServiceEndpoints::ServiceEndpoints(const SpecSet& specs) {
  for (const PodSpec* pod : specs.pods) {
    pods_[pod->meta.full_name()] = pod;
    pods_by_namespace_[pod->meta.name_space].push_back(pod);
  }
  for (const EndpointSliceSpec* slice : specs.slices) {
    if (slice->service.empty()) continue;
    slices_[slice->meta.name_space + "/" + slice->service].push_back(slice);
  }
}

std::vector<LabelledEndpoint> ServiceEndpoints::of(const ServiceSpec& service,
                                                   const ServicePort& port) const {
  std::vector<LabelledEndpoint> out;
  const auto add = [&out](const IpAddress& ip, std::uint16_t number, const std::string& name,
                          const Labels& labels) -> model::Endpoint& {
    LabelledEndpoint made;
    made.endpoint.address = {ip, number};
    made.endpoint.name = name.empty() ? to_string(ip) : name;
    made.labels = labels;
    out.push_back(std::move(made));
    return out.back().endpoint;
  };
  const auto slices = slices_.find(service.meta.full_name());
  if (slices != slices_.end()) {
    for (const EndpointSliceSpec* slice : slices->second) {
      for (const auto& [name, number] : slice->ports) {
        if (name != port.name) continue;
        for (const SliceEndpoint& from : slice->endpoints) {
          const auto pod = pods_.find(from.pod);
          for (const IpAddress& ip : from.addresses) {
            model::Endpoint& endpoint =
                add(ip, number, from.pod, pod == pods_.end() ? Labels{} : pod->second->meta.labels);
            endpoint.ready = from.ready;
            endpoint.serving = from.serving;
            endpoint.terminating = from.terminating;
          }
        }
      }
    }
  } else if (const auto pods = pods_by_namespace_.find(service.meta.name_space);
             pods != pods_by_namespace_.end() && !service.selector.empty()) {
    for (const PodSpec* pod : pods->second) {
      const std::uint16_t number = pod_port(port, *pod);
      if (!selects(service.selector, pod->meta.labels) || pod->addresses.empty() || number == 0) {
        continue;
      }
      model::Endpoint& endpoint =
          add(pod->addresses.front(), number, pod->meta.full_name(), pod->meta.labels);
      endpoint.ready = pod->ready && !pod->terminating;
      endpoint.serving = pod->ready;
      endpoint.terminating = pod->terminating;
    }
  }
  drop_second_family(out);
  sort_unique(out);
  return out;
}

}  // namespace sluice::config
