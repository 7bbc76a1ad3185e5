// SPDX-License-Identifier: Apache-2.0
// Client: the RPCs of control.proto over the agent's unix socket, errors in words that say what to
// do. Thread: main.
#pragma once
#include <memory>
#include <string>

#include "agent/base/error.hpp"
#include "agent/control/control.pb.h"

namespace sluice::cli {

namespace v1 = control::v1;

class Client {
 public:
  // Fails with kUnavailable when nobody answers on the socket: not there, no permission, or left by
  // a dead agent.
  [[nodiscard]] static Result<Client> connect(const std::string& socket_path);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // Each waits at most 10 s.
  Result<v1::StatusReply> status();
  Result<v1::RoutesReply> routes();
  Result<v1::FlowsReply> flows(const v1::FlowsRequest& request);
  Result<v1::ExplainReply> explain(const v1::ExplainRequest& request);
  Result<v1::MoveFlowsReply> move_flows(const v1::MoveFlowsRequest& request);
  Result<v1::FlowEventsReply> flow_events(const v1::FlowEventsRequest& request);

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::cli
