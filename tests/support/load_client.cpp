// SPDX-License-Identifier: Apache-2.0
// load-client: checked HTTP/1.1 load for tests, see --help. One epoll loop. Thread: main.
#include <sys/epoll.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <memory>
#include <set>
#include <utility>

#include "tests/support/load_connection.hpp"

namespace {

using namespace sluice;           // NOLINT: a program, not a header
using namespace sluice::support;  // NOLINT

volatile std::sig_atomic_t interrupted = 0;

class LoadLoop {
 public:
  explicit LoadLoop(const LoadOptions& options)
      : options_(options),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        run_{.options = options, .plan = LoadPlan(options), .report = {}, .scratch = {}} {
    run_.epoll = epoll_.get();
    run_.scratch.resize(256UL * 1024);
    timers_of_.resize(options.connections);
    for (std::uint32_t i = 0; i < options.connections; ++i) {
      connections_.push_back(std::make_unique<LoadConnection>(run_, i));
      update_timer(i);
    }
  }

  const LoadReport& run() {
    start_ = run_.last_success = last_second_ = now();
    std::array<epoll_event, 256> events{};
    while (!finished()) {
      const int count = epoll_wait(epoll_.get(), events.data(), events.size(), wait_ms());
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        connections_[event.data.u32]->on_event(event.events);
        update_timer(event.data.u32);
      }
      run_timers();
      if (now() - last_second_ >= std::chrono::seconds(1)) every_second();
    }
    run_.report.seconds = std::chrono::duration<double>(now() - start_).count();
    return run_.report;
  }

 private:
  static TimePoint now() { return std::chrono::steady_clock::now(); }

  [[nodiscard]] bool finished() const {
    if (run_.may_start()) return false;
    return std::none_of(connections_.begin(), connections_.end(),
                        [](const auto& one) { return one->busy(); });
  }

  [[nodiscard]] int wait_ms() const {
    if (timers_.empty()) return 100;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first - now()).count();
    return static_cast<int>(std::clamp<long>(left, 0, 100));
  }

  void update_timer(std::uint32_t index) {
    const auto wanted = connections_[index]->wake();
    auto& timer = timers_of_[index];
    if (timer == wanted) return;
    if (timer) timers_.erase({*timer, index});
    if (wanted) timers_.insert({*wanted, index});
    timer = wanted;
  }

  void run_timers() {
    // Bounded: a connection that wakes itself again at once must not keep the sockets waiting.
    const TimePoint limit = now();
    for (std::size_t i = 0; i < connections_.size() && !timers_.empty(); ++i) {
      const auto [when, index] = *timers_.begin();
      if (when > limit) return;
      connections_[index]->on_wake();
      update_timer(index);
    }
  }

  void every_second() {
    last_second_ = now();
    for (std::uint32_t i = 0; i < connections_.size(); ++i) {
      connections_[i]->check_stall(last_second_);
      update_timer(i);
    }
    if (options_.duration_s != 0 &&
        last_second_ - start_ >= std::chrono::seconds(options_.duration_s)) {
      run_.stopping = true;
    }
    // Nothing at all succeeds any more: the run must end by itself.
    const auto patience =
        std::chrono::seconds(2UL * options_.stall_s) + Milliseconds(options_.think_max_ms);
    if (last_second_ - run_.last_success > patience || interrupted != 0) {
      if (!run_.stopping && interrupted == 0) {
        run_.report.count_error("gave up", "no request succeeded for a long time");
      }
      run_.stopping = true;
    }
    if (options_.progress) {
      std::fprintf(stderr, "%.0f s: %llu ok, %llu failed\n",
                   std::chrono::duration<double>(last_second_ - start_).count(),
                   static_cast<unsigned long long>(run_.report.requests_ok),
                   static_cast<unsigned long long>(run_.report.failed()));
    }
  }

  const LoadOptions& options_;
  UniqueFd epoll_;
  LoadRun run_;
  std::vector<std::unique_ptr<LoadConnection>> connections_;
  std::vector<std::optional<TimePoint>> timers_of_;
  std::set<std::pair<TimePoint, std::uint32_t>> timers_;
  TimePoint start_{}, last_second_{};
};

void raise_file_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  const LoadOptions options = parse_load_options(argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  raise_file_limit();
  LoadLoop loop(options);
  const LoadReport& report = loop.run();
  if (options.json) {
    report.print_json();
  } else {
    report.print_text();
  }
  const bool complete = options.duration_s != 0 || report.requests_ok == options.requests;
  return report.failed() == 0 && report.requests_ok != 0 && complete ? 0 : 1;
}
