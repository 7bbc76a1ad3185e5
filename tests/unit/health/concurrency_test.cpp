// SPDX-License-Identifier: Apache-2.0
// Many workers report, pick, count and make generations at once; under ThreadSanitizer this finds races.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "agent/balance/endpoint_picker.hpp"
#include "tests/unit/health/cluster.hpp"

namespace sluice::health {
namespace {

constexpr int kWorkers = 4;

template <typename Work>
void in_parallel(Work work) {
  std::vector<std::thread> threads;
  threads.reserve(kWorkers);
  for (int worker = 0; worker < kWorkers; ++worker) threads.emplace_back(work, worker);
  for (auto& thread : threads) thread.join();
}

TEST(Concurrency, ALimitIsNeverExceeded) {
  Cluster cluster(1);
  model::ConnectionPool pool;
  pool.max_requests = 3;
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  in_parallel([&](int) {
    for (int i = 0; i < 20'000; ++i) {
      const Token token = cluster.records.cluster->begin_request(pool);
      if (!token) continue;
      const int now = ++running;
      for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
      }
      --running;
    }
  });
  EXPECT_LE(most, 3);
  EXPECT_EQ(cluster.view().requests, 0U);
}

TEST(Concurrency, WorkersReportPickAndLookUpWhileMainSweeps) {
  const SteadyClock clock;
  Registry registry(clock);
  model::TrafficPolicy with;
  with.outlier_detection = model::OutlierDetection{.consecutive_5xx_errors = 3,
                                                   .interval = Milliseconds(1),
                                                   .base_ejection_time = Milliseconds(1),
                                                   .max_ejection_percent = 50};
  const auto policy = std::make_shared<const model::TrafficPolicy>(with);
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> picks{0};
  std::thread sweeper([&] {
    while (!over) {
      registry.sweep();
      for (const auto& view : registry.views()) EXPECT_LE(view.ejected, 6U);
    }
  });
  in_parallel([&](int worker) {
    std::mt19937 random(static_cast<unsigned>(worker));
    for (int generation = 0; generation < 60; ++generation) {
      const auto some = endpoints(8 + random() % 4);
      const Records records = registry.find("echo", policy, some);
      std::vector<balance::EndpointState*> states;
      for (const auto& record : records.endpoints) states.push_back(&record->state());
      balance::EndpointPicker picker({.endpoints = some,
                                      .policy = &policy->load_balancer,
                                      .states = states,
                                      .changes = &records.cluster->changes(),
                                      .worker = static_cast<std::size_t>(worker)},
                                     clock.now());
      for (int i = 0; i < 200; ++i) {
        const auto picked = picker.pick({.now = clock.now()});
        if (!picked) continue;
        ++picks;
        const Token in_flight = records.endpoints[*picked]->begin_request();
        records.endpoints[*picked]->report(random() % 2 == 0 ? Outcome::kOk : Outcome::kServerError,
                                           *policy->outlier_detection, clock.now());
      }
    }
  });
  over = true;
  sweeper.join();
  EXPECT_GT(picks, 10'000U);  // half of them at most were ejected at any time
}

}  // namespace
}  // namespace sluice::health
