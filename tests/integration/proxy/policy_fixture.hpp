// SPDX-License-Identifier: Apache-2.0
// PolicyTest: a worker in front of several endpoints that say their number. Thread: the test's.
#pragma once
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/integration/proxy/proxy_fixture.hpp"

namespace sluice::proxy::testing {

class PolicyTest : public ProxyTest {
 protected:
  // Endpoints that answer with their number, from 0.
  void start_endpoints(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      upstreams_.emplace_back(answering([i](const Message&) { return ok(std::to_string(i)); }));
    }
  }
  [[nodiscard]] std::vector<SocketAddress> addresses() const {
    std::vector<SocketAddress> out;
    for (const auto& upstream : upstreams_) out.push_back(upstream.address());
    return out;
  }
  // One subset with all of them.
  Subset& subset() {
    if (world_.subsets.empty()) {
      world_.subsets.emplace_back();
      world_.subsets.back().endpoints = addresses();
    }
    return world_.subsets.back();
  }
  void publish(std::uint64_t generation) {
    worker_->publish(make_snapshot(world_, generation));
    ASSERT_TRUE(eventually([&](const auto& report) { return report.generation == generation; }));
  }
  [[nodiscard]] static std::string get(std::string_view target, std::string_view fields = {}) {
    std::string out("GET ");
    return out.append(target)
        .append(" HTTP/1.1\r\nHost: echo.test\r\n")
        .append(fields)
        .append("\r\n");
  }
  // The number of the endpoint that answers, or what else the body says; "" without an answer.
  [[nodiscard]] std::string who(const std::string& request = kGet) {
    const auto answer = ask(request);
    return answer ? answer->body : "";
  }

  std::deque<ScriptedUpstream> upstreams_;
};

// Lets requests wait at an endpoint until the test opens it; each is counted when it arrives. The time limits are for
// tests that fail: on a busy machine a test may be at it for long while others wait.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait_for(lock, kLimit, [this] { return open_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  [[nodiscard]] bool wait_for(int arrivals) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kLimit, [&] { return arrived_ >= arrivals; });
  }

 private:
  std::mutex mutex_;
  static constexpr std::chrono::seconds kLimit{120};
  std::condition_variable changed_;
  int arrived_ = 0;
  bool open_ = false;
};

}  // namespace sluice::proxy::testing
