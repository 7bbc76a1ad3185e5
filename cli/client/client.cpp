// SPDX-License-Identifier: Apache-2.0
#include "cli/client/client.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <grpc/support/log.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel_posix.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "agent/base/unique_fd.hpp"
#include "agent/control/control.grpc.pb.h"

namespace sluice::cli {
namespace {

constexpr std::chrono::seconds kDeadline{10};
constexpr int kMaxReplyBytes = 64 * 1024 * 1024;

std::string advice(const std::string& path, int number) {
  switch (number) {
    case ENOENT:
      return fmt::format(
          "no agent: there is no socket {}. Is the agent running (lb-agent --config DIR)? If it "
          "serves "
          "another socket, name it with --control SOCKET or SLUICE_CONTROL",
          path);
    case ECONNREFUSED:
      return fmt::format(
          "no agent: {} is there, but nobody answers on it. Is the agent running? It may have "
          "crashed; "
          "a new one replaces the socket",
          path);
    case EACCES:
    case EPERM:
      return fmt::format(
          "{}: permission denied. The socket belongs to the agent's user: try again with sudo",
          path);
    default:
      return fmt::format("cannot connect to {}: {}", path, std::strerror(number));
  }
}

// Connected here and not by gRPC, which would say no more than "failed to connect to all
// addresses".
Result<UniqueFd> open_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return fail(ErrorCode::kInvalid,
                fmt::format("--control \"{}\": a unix socket's path has 1 to {} bytes", path,
                            sizeof(address.sun_path) - 1));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("cannot make a socket", errno);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return fail(ErrorCode::kUnavailable, advice(path, errno));
  }
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return fail_errno("cannot prepare the socket", errno);
  }
  return fd;
}

Error error_of(const grpc::Status& status, const std::string& path) {
  switch (status.error_code()) {
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return {ErrorCode::kUnavailable, fmt::format("the agent on {} did not answer within {} s. Is "
                                                   "it stopped or overloaded? See its log",
                                                   path, kDeadline.count())};
    case grpc::StatusCode::UNIMPLEMENTED:
      return {ErrorCode::kUnsupported,
              fmt::format(
                  "the agent on {} does not know this command: it is older than this lbctl ({})",
                  path, status.error_message())};
    case grpc::StatusCode::INVALID_ARGUMENT:
      return {ErrorCode::kInvalid, status.error_message()};
    default:
      return {ErrorCode::kUnavailable, "the agent refuses: " + status.error_message()};
  }
}

void drop_log(gpr_log_func_args*) {}

}  // namespace

struct Client::Impl {
  std::string path;
  std::unique_ptr<v1::Control::Stub> stub;

  template <typename Reply, typename Call>
  Result<Reply> run(Call call) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kDeadline);
    Reply reply;
    const grpc::Status status = call(context, reply);
    if (!status.ok()) return tl::unexpected(error_of(status, path));
    return reply;
  }
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::connect(const std::string& socket_path) {
  gpr_set_log_function(drop_log);
  Result<UniqueFd> fd = open_socket(socket_path);
  if (!fd) return tl::unexpected(fd.error());
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxReplyBytes);
  // "localhost" is only the :authority of the requests; the descriptor now belongs to the channel.
  auto channel = grpc::CreateCustomInsecureChannelFromFd("localhost", fd->release(), arguments);
  auto impl = std::make_unique<Impl>();
  impl->path = socket_path;
  impl->stub = v1::Control::NewStub(channel);
  return Client(std::move(impl));
}

Result<v1::StatusReply> Client::status() {
  return impl_->run<v1::StatusReply>([this](grpc::ClientContext& context, v1::StatusReply& reply) {
    return impl_->stub->Status(&context, {}, &reply);
  });
}

Result<v1::RoutesReply> Client::routes() {
  return impl_->run<v1::RoutesReply>([this](grpc::ClientContext& context, v1::RoutesReply& reply) {
    return impl_->stub->Routes(&context, {}, &reply);
  });
}

Result<v1::FlowsReply> Client::flows(const v1::FlowsRequest& request) {
  return impl_->run<v1::FlowsReply>([&](grpc::ClientContext& context, v1::FlowsReply& reply) {
    return impl_->stub->Flows(&context, request, &reply);
  });
}

Result<v1::ExplainReply> Client::explain(const v1::ExplainRequest& request) {
  return impl_->run<v1::ExplainReply>([&](grpc::ClientContext& context, v1::ExplainReply& reply) {
    return impl_->stub->Explain(&context, request, &reply);
  });
}

Result<v1::MoveFlowsReply> Client::move_flows(const v1::MoveFlowsRequest& request) {
  return impl_->run<v1::MoveFlowsReply>(
      [&](grpc::ClientContext& context, v1::MoveFlowsReply& reply) {
        return impl_->stub->MoveFlows(&context, request, &reply);
      });
}

Result<v1::FlowEventsReply> Client::flow_events(const v1::FlowEventsRequest& request) {
  return impl_->run<v1::FlowEventsReply>(
      [&](grpc::ClientContext& context, v1::FlowEventsReply& reply) {
        return impl_->stub->FlowEvents(&context, request, &reply);
      });
}

}  // namespace sluice::cli
