// SPDX-License-Identifier: Apache-2.0
// AgentApi: what the control server may ask of the agent. Implemented by app; the server turns RPCs
// into these calls and nothing else. Thread: any (a gRPC thread); an implementation posts to main
// or workers and waits, at most a second.
#pragma once
#include "agent/base/error.hpp"
#include "agent/control/control.pb.h"

namespace sluice::control {

class AgentApi {
 public:
  virtual ~AgentApi() = default;
  virtual Result<v1::StatusReply> status() = 0;
  virtual Result<v1::RoutesReply> routes() = 0;
  virtual Result<v1::FlowsReply> flows(const v1::FlowsRequest& request) = 0;
  virtual Result<v1::MoveFlowsReply> move_flows(const v1::MoveFlowsRequest& request) = 0;
  virtual Result<v1::FlowEventsReply> flow_events(const v1::FlowEventsRequest& request) = 0;
  virtual Result<v1::ExplainReply> explain(const v1::ExplainRequest& request) = 0;
};

}  // namespace sluice::control
