// SPDX-License-Identifier: Apache-2.0
// trafficPolicy.connectionPool and outlierDetection of a DestinationRule. Called by translate/traffic_policy.
// Thread: main. Pure.
#pragma once
#include "agent/config/translate/decode.hpp"
#include "agent/model/traffic_policy.hpp"

namespace sluice::config {

[[nodiscard]] model::ConnectionPool read_connection_pool(const Located& located, Report& report);
[[nodiscard]] model::OutlierDetection read_outlier_detection(const Located& located,
                                                             Report& report);

}  // namespace sluice::config
