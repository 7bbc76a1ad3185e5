// SPDX-License-Identifier: Apache-2.0
#include "agent/control/server.hpp"

#include <fmt/core.h>
#include <grpc/support/log.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <utility>

#include "agent/base/log.hpp"
#include "agent/control/service.hpp"
#include "agent/control/socket_file.hpp"

namespace sluice::control {
namespace {

constexpr int kMaxRequestBytes = 256 * 1024;      // the largest is explain: a URL and header fields
constexpr int kMaxReplyBytes = 64 * 1024 * 1024;  // routes of a large mesh
constexpr int kMaxThreads = Service::kMaxConcurrent + 4;  // gRPC refuses calls that need more
constexpr std::chrono::seconds kShutdownGrace{2};

// gRPC's own log lines become events of ours instead of raw text on standard error.
void forward_log(gpr_log_func_args* line) {
  if (line->severity == GPR_LOG_SEVERITY_ERROR) {
    log::warn("control", "{}", line->message);
  } else {
    log::debug("control", "{}", line->message);
  }
}

class GrpcServer final : public Server {
 public:
  GrpcServer(std::string path, AgentApi& api) : path_(std::move(path)), service_(api) {}

  ~GrpcServer() override {
    if (!server_) return;
    server_->Shutdown(std::chrono::system_clock::now() + kShutdownGrace);
    server_->Wait();
    remove_socket();
  }

  Result<void> listen() {
    grpc::ServerBuilder builder;
    grpc::ResourceQuota quota("control");
    quota.SetMaxThreads(kMaxThreads);
    builder.SetResourceQuota(quota);
    builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
    builder.SetMaxSendMessageSize(kMaxReplyBytes);
    builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::NUM_CQS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MIN_POLLERS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MAX_POLLERS, 2);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, Service::kMaxConcurrent * 2);
    // gRPC removes the path it was given when it stops, whoever has it by then: so it gets a name of its own, which
    // becomes the real one once it listens. That also replaces a live agent's in one step.
    const std::string own = own_name();
    builder.AddListeningPort(unix_uri(own), grpc::InsecureServerCredentials());
    builder.RegisterService(&service_);
    {
      const PrivateUmask no_access_for_others;
      server_ = builder.BuildAndStart();
    }
    struct stat info{};
    const bool named = server_ && (own == path_ || ::rename(own.c_str(), path_.c_str()) == 0);
    if (!named || ::lstat(path_.c_str(), &info) != 0) {
      server_.reset();
      return fail(
          ErrorCode::kSystem,
          fmt::format(
              "control socket {}: cannot listen on it; is its folder writable? Choose another path "
              "with --control",
              path_));
    }
    inode_ = info.st_ino;
    return {};
  }

 private:
  // The path itself where the longer name would be too long for a unix socket.
  [[nodiscard]] std::string own_name() const {
    std::string name = path_ + "." + std::to_string(::getpid());
    return name.size() < sizeof(sockaddr_un::sun_path) ? name : path_;
  }

  // Only our own file: after an upgrade the path may belong to the next agent already.
  void remove_socket() const {
    struct stat info{};
    if (::lstat(path_.c_str(), &info) == 0 && info.st_ino == inode_) ::unlink(path_.c_str());
  }

  std::string path_;
  Service service_;
  std::unique_ptr<grpc::Server> server_;
  ino_t inode_ = 0;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const std::string& socket_path, AgentApi& api,
                                              bool replace) {
  gpr_set_log_function(forward_log);
  if (auto claimed = claim_socket_path(socket_path, replace); !claimed) {
    return tl::unexpected(claimed.error());
  }
  auto server = std::make_unique<GrpcServer>(socket_path, api);
  if (auto listening = server->listen(); !listening) return tl::unexpected(listening.error());
  log::info("control", "serving lbctl on {}", socket_path);
  return server;
}

}  // namespace sluice::control
