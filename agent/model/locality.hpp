// SPDX-License-Identifier: Apache-2.0
// Locality: where something runs. Plain value. Thread: any.
#pragma once
#include <compare>
#include <string>

namespace sluice::model {

// Unknown parts are empty. "region/zone/subzone" in Istio, topology.kubernetes.io/* labels on nodes.
struct Locality {
  std::string region;
  std::string zone;
  std::string subzone;

  auto operator<=>(const Locality&) const = default;
};

}  // namespace sluice::model
