// SPDX-License-Identifier: Apache-2.0
// The control server over real unix sockets: who may connect, what happens to the file, how much it
// takes on.
#include "agent/control/server.hpp"

#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "agent/control/control.grpc.pb.h"
#include "agent/control/service.hpp"
#include "agent/control/socket_file.hpp"
#include "temp_folder.hpp"

namespace sluice::control {
namespace {

using test::TempFolder;

// Answers with what it was asked; a closed gate holds every status call.
class EchoApi final : public AgentApi {
 public:
  Result<v1::StatusReply> status() override {
    std::unique_lock lock(mutex_);
    ++inside_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --inside_;
    v1::StatusReply reply;
    reply.set_generation(42);
    return reply;
  }
  Result<v1::RoutesReply> routes() override {
    return fail(ErrorCode::kUnavailable, "worker 1 does not answer");
  }
  Result<v1::FlowsReply> flows(const v1::FlowsRequest& request) override {
    v1::FlowsReply reply;
    reply.set_total(request.limit());
    return reply;
  }
  Result<v1::ExplainReply> explain(const v1::ExplainRequest& request) override {
    v1::ExplainReply reply;
    reply.set_domain(request.url());
    return reply;
  }
  Result<v1::MoveFlowsReply> move_flows(const v1::MoveFlowsRequest& request) override {
    if (!request.all()) return fail(ErrorCode::kInvalid, "say which");
    v1::MoveFlowsReply reply;
    reply.set_asked(7);
    return reply;
  }
  Result<v1::FlowEventsReply> flow_events(const v1::FlowEventsRequest& request) override {
    v1::FlowEventsReply reply;
    reply.set_last(request.after() + 1);
    return reply;
  }
  void close_gate() {
    const std::scoped_lock lock(mutex_);
    open_ = false;
  }
  void open_gate() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait_inside(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inside_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  int inside_ = 0;
};

std::unique_ptr<v1::Control::Stub> stub_for(const std::string& path) {
  return v1::Control::NewStub(
      grpc::CreateChannel(unix_uri(path), grpc::InsecureChannelCredentials()));
}

grpc::Status ask_status(v1::Control::Stub& stub, v1::StatusReply& reply) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  return stub.Status(&context, {}, &reply);
}

TEST(ControlServer, AnswersAndPassesRequestsOn) {
  const TempFolder folder;
  EchoApi api;
  const auto server = Server::start(folder.file("agent.sock"), api);
  ASSERT_TRUE(server) << server.error().message;
  const auto stub = stub_for(folder.file("agent.sock"));
  v1::StatusReply status;
  ASSERT_TRUE(ask_status(*stub, status).ok());
  EXPECT_EQ(status.generation(), 42U);
  grpc::ClientContext flows_context;
  v1::FlowsRequest flows_request;
  flows_request.set_limit(7);
  v1::FlowsReply flows;
  ASSERT_TRUE(stub->Flows(&flows_context, flows_request, &flows).ok());
  EXPECT_EQ(flows.total(), 7U);
}

TEST(ControlServer, AnErrorOfTheAgentKeepsItsWords) {
  const TempFolder folder;
  EchoApi api;
  const auto server = Server::start(folder.file("agent.sock"), api);
  ASSERT_TRUE(server) << server.error().message;
  grpc::ClientContext context;
  v1::RoutesReply reply;
  const grpc::Status status = stub_for(folder.file("agent.sock"))->Routes(&context, {}, &reply);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "worker 1 does not answer");
}

TEST(ControlServer, OnlyTheOwnerMayConnect) {
  const TempFolder folder;
  EchoApi api;
  const auto server = Server::start(folder.file("agent.sock"), api);
  ASSERT_TRUE(server) << server.error().message;
  struct stat info{};
  ASSERT_EQ(::stat(folder.file("agent.sock").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  // The umask is the process's again.
  const mode_t umask_now = ::umask(022);
  ::umask(umask_now);
  EXPECT_NE(umask_now, 0177U);
}

TEST(ControlServer, ASecondAgentIsRefusedAndTheFirstServesOn) {
  const TempFolder folder;
  EchoApi api;
  const auto first = Server::start(folder.file("agent.sock"), api);
  ASSERT_TRUE(first) << first.error().message;
  const auto second = Server::start(folder.file("agent.sock"), api);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("another agent answers"), std::string::npos);
  v1::StatusReply reply;
  EXPECT_TRUE(ask_status(*stub_for(folder.file("agent.sock")), reply).ok());
}

TEST(ControlServer, RemovesItsFileAndCanStartAgain) {
  const TempFolder folder;
  EchoApi api;
  for (int round = 0; round < 2; ++round) {
    auto server = Server::start(folder.file("agent.sock"), api);
    ASSERT_TRUE(server) << server.error().message;
    EXPECT_TRUE(std::filesystem::exists(folder.file("agent.sock")));
    server->reset();
    EXPECT_FALSE(std::filesystem::exists(folder.file("agent.sock")));
  }
}

TEST(ControlServer, ServesPathsThatNeedEscaping) {
  const TempFolder folder;
  EchoApi api;
  const auto server = Server::start(folder.file("a b%41#.sock"), api);
  ASSERT_TRUE(server) << server.error().message;
  EXPECT_TRUE(std::filesystem::exists(folder.file("a b%41#.sock")));
}

TEST(ControlServer, AFolderThatCannotBeWrittenIsAnError) {
  EchoApi api;
  const auto server = Server::start("/proc/sluice/agent.sock", api);
  ASSERT_FALSE(server);
  EXPECT_NE(server.error().message.find("--control"), std::string::npos) << server.error().message;
}

TEST(ControlServer, OversizedRequestsAreRefused) {
  const TempFolder folder;
  EchoApi api;
  const auto server = Server::start(folder.file("agent.sock"), api);
  ASSERT_TRUE(server) << server.error().message;
  grpc::ClientContext context;
  v1::ExplainRequest request;
  request.set_url(std::string(1024UL * 1024, 'x'));
  v1::ExplainReply reply;
  const auto status = stub_for(folder.file("agent.sock"))->Explain(&context, request, &reply);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

// The bound itself, without gRPC's scheduling in between.
TEST(ControlService, TheFifthCallAtOnceIsTurnedAway) {
  EchoApi api;
  Service service(api);
  api.close_gate();
  std::vector<std::thread> callers;
  std::atomic<int> answered{0};
  for (int i = 0; i < Service::kMaxConcurrent; ++i) {
    callers.emplace_back([&] {
      v1::StatusReply reply;
      if (service.Status(nullptr, nullptr, &reply).ok()) ++answered;
    });
  }
  api.wait_inside(Service::kMaxConcurrent);
  v1::StatusReply reply;
  EXPECT_EQ(service.Status(nullptr, nullptr, &reply).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  api.open_gate();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(answered, Service::kMaxConcurrent);
  EXPECT_TRUE(service.Status(nullptr, nullptr, &reply).ok());
}

}  // namespace
}  // namespace sluice::control
