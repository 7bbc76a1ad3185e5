// SPDX-License-Identifier: Apache-2.0
// LogFile: where lines end up: standard output, or a file that may be moved away while it is written (logrotate).
// Called by the access log's thread. Thread: one. Invariants: a file is only ever appended to; a write that fails is
// reported once and loses its lines, never more.
#pragma once
#include <sys/uio.h>

#include <array>
#include <functional>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/unique_fd.hpp"

namespace sluice::telemetry {

class LogFile {
 public:
  // "stdout" or a path. Fails when the file cannot be opened.
  static Result<LogFile> open(std::string target);

  // Opens the path anew when it no longer leads to what is open, or always with `force`. On failure the old file stays.
  Result<void> follow(bool force);
  // All of it, waiting where the reader is slow, until `give_up` says so. What was written is gone from `pieces`.
  Result<void> write(std::array<iovec, 2>& pieces, const std::function<bool()>& give_up);

 private:
  explicit LogFile(std::string target) : target_(std::move(target)) {}

  std::string target_;
  UniqueFd file_;         // unset for standard output
  bool regular_ = false;  // never makes one wait
};

}  // namespace sluice::telemetry
