// SPDX-License-Identifier: Apache-2.0
// Locality, Place: where something runs. Plain values. Thread: any.
#pragma once
#include <compare>
#include <map>
#include <string>
#include <string_view>

#include "agent/base/shared_text.hpp"

namespace sluice::model {

// Unknown parts are empty. "region/zone/subzone" in Istio, topology.kubernetes.io/* labels on nodes.
struct Locality {
  SharedText region;
  SharedText zone;
  SharedText subzone;

  auto operator<=>(const Locality&) const = default;
  // "region/zone/subzone" with as many parts as are known; what follows a third slash belongs to the subzone.
  static Locality parse(std::string_view text);
};

// Where this agent runs, and the labels that failoverPriority compares with those of endpoints.
struct Place {
  Locality locality;
  std::map<std::string, std::string> labels;

  bool operator==(const Place&) const = default;
};

}  // namespace sluice::model
