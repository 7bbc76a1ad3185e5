// SPDX-License-Identifier: Apache-2.0
// LoadConnection: one connection slot of load-client: connects, sends planned requests, checks the
// answers, reconnects. Callers: the loop in load_client.cpp. Thread: main. Invariants: at most one
// request is outstanding.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/clock.hpp"
#include "agent/base/unique_fd.hpp"
#include "tests/support/http_wire.hpp"
#include "tests/support/load_plan.hpp"
#include "tests/support/load_report.hpp"

namespace sluice::support {

// What all connections of a run share.
struct LoadRun {
  const LoadOptions& options;
  LoadPlan plan;
  LoadReport report;
  int epoll = -1;
  std::uint64_t started = 0;
  bool stopping = false;  // start nothing new
  TimePoint last_success{};
  std::vector<char> scratch;

  [[nodiscard]] bool may_start() const { return !stopping && started < options.requests; }
};

class LoadConnection {
 public:
  LoadConnection(LoadRun& run, std::uint32_t index);

  void on_event(std::uint32_t events);
  void on_wake();  // wake() has come
  void check_stall(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> wake() const { return wake_; }
  [[nodiscard]] bool busy() const { return state_ == State::kActive; }

 private:
  enum class State { kClosed, kConnecting, kIdle, kActive };

  void open();
  void finish_connect();
  void start_request();
  void write_some();
  void read_some();
  void on_closed(int error);
  void take(std::string_view data);
  // Bytes of `data` used; the connection may be closed afterwards.
  std::size_t take_head(std::string_view data);
  void take_body(std::string_view data);
  bool check_head(const WireHead& head);
  void start_body(const WireHead& head);
  void count_origin(const WireHead& head);
  void complete();
  void fail(std::string_view kind, const std::string& detail = {});
  void close_and_reopen(Milliseconds after);
  void want(std::uint32_t events);
  [[nodiscard]] bool may_start() const { return quota_ != 0 && run_.may_start(); }
  [[nodiscard]] TimePoint think() const;
  [[nodiscard]] std::string describe() const;

  LoadRun& run_;
  SocketAddress target_;
  UniqueFd fd_;
  std::uint32_t index_;
  State state_ = State::kClosed;
  std::uint32_t events_ = 0;
  std::optional<TimePoint> wake_;
  TimePoint started_{}, last_byte_{};
  std::uint32_t limit_ = 0, requests_ = 0;  // of this connection; 0: no limit
  std::uint64_t quota_ = 0;                 // requests left to this slot

  std::string pod_;
  std::uint16_t local_port_ = 0;

  PlannedRequest request_;
  SendBody upload_;
  std::string out_;
  std::size_t out_sent_ = 0;
  bool waits_for_continue_ = false;
  bool sent_all_ = false;

  std::string head_bytes_;
  bool in_body_ = false;
  bool answer_closes_ = false;
  WireBody body_;
  BodyHash body_hash_;
  std::string answer_body_hash_, answer_request_hash_;
};

}  // namespace sluice::support
