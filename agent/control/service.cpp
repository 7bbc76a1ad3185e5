// SPDX-License-Identifier: Apache-2.0
#include "agent/control/service.hpp"

#include <utility>

namespace sluice::control {
namespace {

grpc::StatusCode code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case ErrorCode::kNotFound:
      return grpc::StatusCode::NOT_FOUND;
    case ErrorCode::kUnavailable:
      return grpc::StatusCode::UNAVAILABLE;
    case ErrorCode::kUnsupported:
      return grpc::StatusCode::UNIMPLEMENTED;
    case ErrorCode::kExhausted:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case ErrorCode::kSystem:
      return grpc::StatusCode::INTERNAL;
  }
  return grpc::StatusCode::INTERNAL;
}

// Counts a call in, and out again on every path.
class Entry {
 public:
  explicit Entry(std::atomic<int>& running)
      : running_(running), number_(running.fetch_add(1) + 1) {}
  ~Entry() { running_.fetch_sub(1); }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  [[nodiscard]] int number() const { return number_; }

 private:
  std::atomic<int>& running_;
  int number_;
};

}  // namespace

template <typename Reply, typename Call>
grpc::Status Service::run(Reply* reply, Call call) {
  const Entry entry(running_);
  if (entry.number() > kMaxConcurrent) {
    return {grpc::StatusCode::RESOURCE_EXHAUSTED,
            "the agent is answering " + std::to_string(kMaxConcurrent) +
                " control requests already; try again in a moment"};
  }
  Result<Reply> answer = call();
  if (!answer) return {code_of(answer.error().code), answer.error().message};
  *reply = std::move(*answer);
  return grpc::Status::OK;
}

grpc::Status Service::Status(grpc::ServerContext*, const v1::StatusRequest*,
                             v1::StatusReply* reply) {
  return run(reply, [this] { return api_.status(); });
}

grpc::Status Service::Routes(grpc::ServerContext*, const v1::RoutesRequest*,
                             v1::RoutesReply* reply) {
  return run(reply, [this] { return api_.routes(); });
}

grpc::Status Service::Flows(grpc::ServerContext*, const v1::FlowsRequest* request,
                            v1::FlowsReply* reply) {
  return run(reply, [&] { return api_.flows(*request); });
}

grpc::Status Service::Explain(grpc::ServerContext*, const v1::ExplainRequest* request,
                              v1::ExplainReply* reply) {
  return run(reply, [&] { return api_.explain(*request); });
}

grpc::Status Service::MoveFlows(grpc::ServerContext*, const v1::MoveFlowsRequest* request,
                                v1::MoveFlowsReply* reply) {
  return run(reply, [&] { return api_.move_flows(*request); });
}

grpc::Status Service::FlowEvents(grpc::ServerContext*, const v1::FlowEventsRequest* request,
                                 v1::FlowEventsReply* reply) {
  return run(reply, [&] { return api_.flow_events(*request); });
}

}  // namespace sluice::control
