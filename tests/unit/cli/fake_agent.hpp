// SPDX-License-Identifier: Apache-2.0
// FakeAgent: an AgentApi with fixed answers that fill every field, so that a test sees all that
// lbctl can print.
#pragma once
#include "agent/control/agent_api.hpp"

namespace sluice::test {

class FakeAgent final : public control::AgentApi {
 public:
  Result<control::v1::StatusReply> status() override;
  Result<control::v1::RoutesReply> routes() override;
  Result<control::v1::FlowsReply> flows(const control::v1::FlowsRequest& request) override;
  Result<control::v1::ExplainReply> explain(const control::v1::ExplainRequest& request) override;
  Result<control::v1::MoveFlowsReply> move_flows(
      const control::v1::MoveFlowsRequest& request) override;
  Result<control::v1::FlowEventsReply> flow_events(
      const control::v1::FlowEventsRequest& request) override;
};

}  // namespace sluice::test
