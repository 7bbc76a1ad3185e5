// SPDX-License-Identifier: Apache-2.0
// Metrics of the shared records of load and health: what is ejected and what a limit held back.
#include "agent/app/metrics_parts.hpp"

namespace sluice::app {

void add_health(const MetricsInput& input, Families& out) {
  out.gauge("sluice_health_endpoints_ejected", "Endpoints of a cluster that are ejected now.");
  for (const health::ClusterView& cluster : input.health) {
    out.sample({{"cluster", cluster.key}}, cluster.ejected);
  }
  out.counter("sluice_health_ejections_total", "Ejections of endpoints by what caused them.");
  for (const health::ClusterView& cluster : input.health) {
    for (std::size_t i = 0; i < cluster.ejections.size(); ++i) {
      const char* const kind = health::label_of(static_cast<health::Ejection>(i));
      out.sample({{"cluster", cluster.key}, {"kind", kind}}, cluster.ejections[i]);
    }
  }
  out.counter("sluice_health_ejections_held_back_total",
              "Ejections that maxEjectionPercent did not allow.");
  for (const health::ClusterView& cluster : input.health) {
    out.sample({{"cluster", cluster.key}}, cluster.ejections_held_back);
  }
  out.counter("sluice_health_overflows_total",
              "What a limit of connectionPool or retryBudget held back, by limit.");
  for (const health::ClusterView& cluster : input.health) {
    for (std::size_t i = 0; i < cluster.overflows.size(); ++i) {
      const char* const kind = health::label_of(static_cast<health::Overflow>(i));
      out.sample({{"cluster", cluster.key}, {"kind", kind}}, cluster.overflows[i]);
    }
  }
}

}  // namespace sluice::app
