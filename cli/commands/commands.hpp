// SPDX-License-Identifier: Apache-2.0
// The commands: each turns a reply into the text that people read. Pure, so that tests compare
// text. Thread: main. Invariants: every text ends with a line feed and holds no control bytes of
// others.
#pragma once
#include <string>

#include "agent/control/control.pb.h"
#include "cli/render/style.hpp"

namespace sluice::cli {

namespace v1 = control::v1;

[[nodiscard]] std::string render_status(const v1::StatusReply& reply, const Painter& paint);
[[nodiscard]] std::string render_routes(const v1::RoutesReply& reply, const Painter& paint);
[[nodiscard]] std::string render_flows(const v1::FlowsReply& reply, const Painter& paint);
[[nodiscard]] std::string render_event(const v1::FlowEvent& event, const Painter& paint);
[[nodiscard]] std::string render_move(const v1::MoveFlowsReply& reply);
// The client gets what the configuration says: an endpoint's answer, a redirect, a fixed answer.
[[nodiscard]] bool served(const v1::ExplainReply& reply);
[[nodiscard]] std::string render_explain(const v1::ExplainRequest& request,
                                         const v1::ExplainReply& reply, const Painter& paint);

}  // namespace sluice::cli
