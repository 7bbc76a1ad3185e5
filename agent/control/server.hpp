// SPDX-License-Identifier: Apache-2.0
// Server: the control protocol on a unix socket with mode 0600. A stale socket file of a dead agent
// is replaced, a live one is an error. Thread: main creates and destroys it; RPCs run on gRPC's
// threads.
#pragma once
#include <memory>
#include <string>

#include "agent/base/error.hpp"
#include "agent/control/agent_api.hpp"

namespace sluice::control {

class Server {
 public:
  // `replace`: a live agent answers at the path, and this one takes its place.
  static Result<std::unique_ptr<Server>> start(const std::string& socket_path, AgentApi& api,
                                               bool replace = false);
  virtual ~Server() = default;  // stops serving, removes the socket file
};

}  // namespace sluice::control
