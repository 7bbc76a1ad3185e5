// SPDX-License-Identifier: Apache-2.0
// The reasons that workers count - endings, refusals, findings - as status shows them. Called by status_view. Pure.
// Thread: any.
#pragma once
#include "agent/app/status_view.hpp"

namespace sluice::app {

void add_reasons(const StatusInput& input, v1::StatusReply& reply);

}  // namespace sluice::app
