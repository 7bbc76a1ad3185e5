// SPDX-License-Identifier: Apache-2.0
// AccessLog: takes lines from the workers and writes them on a thread of its own. A worker never waits: each has a lane
// with 1 MiB of memory, and what does not fit because the disk or the reader is slow is dropped and counted.
// Thread: main makes and destroys it, after the workers; a lane belongs to one worker; state() and reopen() any.
// Invariants: of n requests of a lane, sample * n are written, within one; whole lines only.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/thread_role.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/telemetry/access_line.hpp"
#include "agent/telemetry/line_ring.hpp"
#include "agent/telemetry/log_file.hpp"

namespace sluice::telemetry {

struct AccessLogSettings {
  std::string target;  // "stdout" or a path
  bool json = false;
  double sample = 1;  // from 0 to 1
};

struct AccessLogState {
  std::uint64_t written = 0;  // lines
  std::uint64_t dropped = 0;  // the writer did not keep up
  std::uint64_t failed = 0;   // writing failed
  std::string error;          // of the last write or opening; empty = fine now
};

class AccessLane {
 public:
  AccessLane(const AccessLogSettings& settings, int wake);

  // Whether this request is to be written. Call once for each.
  [[nodiscard]] bool sampled();
  void write(const AccessLine& line);

 private:
  friend class AccessLog;

  AccessLineWriter writer_;
  LineRing ring_;
  std::uint64_t step_;  // the sample in 2^-32
  std::uint64_t phase_ = 0;
  int wake_;  // eventfd of the log's thread
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<bool> called_{false};  // the thread was woken and has not come yet
};

class AccessLog {
 public:
  static Result<std::unique_ptr<AccessLog>> start(AccessLogSettings settings, std::uint32_t lanes);
  // Writes what waits, for at most a second.
  ~AccessLog();

  [[nodiscard]] AccessLane& lane(std::uint32_t index) { return *lanes_[index]; }
  [[nodiscard]] const AccessLogSettings& settings() const { return settings_; }
  [[nodiscard]] AccessLogState state() const;
  void reopen();  // soon, on its thread

 private:
  AccessLog(AccessLogSettings settings, LogFile file, UniqueFd wake, std::uint32_t lanes);
  void run();
  void wait() const;
  void drain(AccessLane& lane);
  void note(const Result<void>& done, std::string& error);
  [[nodiscard]] bool out_of_time() const;

  AccessLogSettings settings_;
  LogFile file_;
  UniqueFd wake_;
  std::vector<std::unique_ptr<AccessLane>> lanes_;
  bool torn_ = false;  // the file ends within a line
  std::atomic<bool> reopen_{false};
  std::atomic<bool> stop_{false};
  std::atomic<TimePoint::rep> stop_at_{0};
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> failed_{0};
  mutable Mutex mutex_;
  std::string write_error_ LB_GUARDED_BY(mutex_);
  std::string open_error_ LB_GUARDED_BY(mutex_);  // the file before is still written to
  std::thread thread_;
};

}  // namespace sluice::telemetry
