// SPDX-License-Identifier: Apache-2.0
// SocketFile: the life of a unix socket's path: who may use it, whose it is, when it goes away.
// Called by Server only. Thread: main.
#pragma once
#include <sys/types.h>

#include <string>

#include "agent/base/error.hpp"

namespace sluice::control {

// Makes the path free to bind: creates its folder (0755), removes the socket of a dead agent
// (connect is refused). Fails with kInvalid on a path that cannot be a socket's, kUnavailable when
// a live process answers on it, kSystem.
// `replace`: a live one's is left there, to be renamed over.
[[nodiscard]] Result<void> claim_socket_path(const std::string& path, bool replace = false);

// Files made while it lives have no permission bits for group and others: between bind and a later
// chmod anybody could connect. The umask belongs to the whole process, so hold it only around the
// bind.
class PrivateUmask {
 public:
  PrivateUmask();
  ~PrivateUmask();
  PrivateUmask(const PrivateUmask&) = delete;
  PrivateUmask& operator=(const PrivateUmask&) = delete;

 private:
  mode_t old_;
};

// "unix:" and the absolute path, percent-encoded as gRPC's URI parser wants it.
[[nodiscard]] std::string unix_uri(const std::string& path);

}  // namespace sluice::control
