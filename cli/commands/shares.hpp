// SPDX-License-Identifier: Apache-2.0
// What status, routes and explain show alike: shares of a route and endpoints of a cluster. Thread:
// main.
#pragma once
#include <google/protobuf/repeated_field.h>

#include <string>

#include "agent/control/control.pb.h"
#include "cli/render/style.hpp"
#include "cli/render/table.hpp"

namespace sluice::cli {

namespace v1 = control::v1;

// "echo.default.svc.cluster.local v1 :80" from "echo.default.svc.cluster.local|v1|80".
[[nodiscard]] std::string cluster_title(const std::string& key);
[[nodiscard]] Table shares_table(const google::protobuf::RepeatedPtrField<v1::Share>& shares);
// "ready", "not ready", "draining" (terminating, still serving), "terminating", "ejected".
[[nodiscard]] Cell endpoint_state(const v1::EndpointStatus& endpoint);

}  // namespace sluice::cli
