// SPDX-License-Identifier: Apache-2.0
// apply_locality: prefers endpoints that are near (Istio's localityLbSetting): sets priority and weight of a cluster's
// endpoints as seen from where this agent runs. Used by snapshot::resolve. Pure. Thread: any.
#pragma once
#include <map>
#include <span>
#include <string>

#include "agent/model/endpoint.hpp"
#include "agent/model/locality.hpp"
#include "agent/model/traffic_policy.hpp"

namespace sluice::balance {

// Where this agent runs.
struct OwnPlace {
  model::Locality locality;
  std::map<std::string, std::string> labels;  // what failoverPriority compares with
};

// As Istio does it, one of these in this order:
//  - distribute, by the first entry whose `from` matches: each `to` gets its share, spread over its endpoints by their
//    weights; endpoints in no `to` get weight 0, which pickers use only where all have it. Priorities stay 0.
//  - failoverPriority, only with outlier detection: an endpoint's priority is the number of labels from its first
//    mismatch on; `failover_labels` of the endpoints hold their values.
//  - failover by region, zone and subzone, only with outlier detection, also when the policy says nothing of locality:
//    same subzone 0, same zone 1, same region 2, elsewhere 3; where a failover entry names the region to go to, all
//    other regions come last.
// Nothing is done when it is disabled or when this agent's region is unknown (failoverPriority does not need it).
// Priorities are closed up: the groups that exist are 0, 1, 2 ...
void apply_locality(std::span<model::Endpoint> endpoints, const model::TrafficPolicy& policy,
                    const OwnPlace& own);

}  // namespace sluice::balance
