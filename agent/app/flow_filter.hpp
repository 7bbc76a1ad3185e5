// SPDX-License-Identifier: Apache-2.0
// FlowFilter: which steered connections a request of lbctl means. Pure. Thread: any.
#pragma once
#include <functional>

#include "agent/base/error.hpp"
#include "agent/control/control.pb.h"
#include "agent/proxy/steering.hpp"

namespace sluice::app {

using FlowFilter = std::function<bool(const proxy::Carried&)>;

// kInvalid: an address that is none, or nothing is said at all.
[[nodiscard]] Result<FlowFilter> flow_filter(const control::v1::MoveFlowsRequest& request);

}  // namespace sluice::app
