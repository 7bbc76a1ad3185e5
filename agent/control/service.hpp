// SPDX-License-Identifier: Apache-2.0
// Service: the RPCs of control.proto, each one call of AgentApi. Owned by Server.
// Thread: gRPC's. Invariants: at most kMaxConcurrent calls of the api at a time; the next one gets
// RESOURCE_EXHAUSTED, so that a script gone wild cannot fill the agent's mailboxes.
#pragma once
#include <atomic>

#include "agent/control/agent_api.hpp"
#include "agent/control/control.grpc.pb.h"

namespace sluice::control {

class Service final : public v1::Control::Service {
 public:
  static constexpr int kMaxConcurrent = 4;

  explicit Service(AgentApi& api) : api_(api) {}

  grpc::Status Status(grpc::ServerContext* context, const v1::StatusRequest* request,
                      v1::StatusReply* reply) override;
  grpc::Status Routes(grpc::ServerContext* context, const v1::RoutesRequest* request,
                      v1::RoutesReply* reply) override;
  grpc::Status Flows(grpc::ServerContext* context, const v1::FlowsRequest* request,
                     v1::FlowsReply* reply) override;
  grpc::Status Explain(grpc::ServerContext* context, const v1::ExplainRequest* request,
                       v1::ExplainReply* reply) override;
  grpc::Status MoveFlows(grpc::ServerContext* context, const v1::MoveFlowsRequest* request,
                         v1::MoveFlowsReply* reply) override;
  grpc::Status FlowEvents(grpc::ServerContext* context, const v1::FlowEventsRequest* request,
                          v1::FlowEventsReply* reply) override;

 private:
  template <typename Reply, typename Call>
  grpc::Status run(Reply* reply, Call call);

  AgentApi& api_;
  std::atomic<int> running_{0};
};

}  // namespace sluice::control
