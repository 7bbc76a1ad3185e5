// SPDX-License-Identifier: Apache-2.0
// One small world that has everything the views can show, as a snapshot, with reports of two workers.
#pragma once
#include <string>
#include <vector>

#include "agent/app/metrics_view.hpp"
#include "agent/app/status_view.hpp"

namespace sluice::test {

inline constexpr const char* kV1 = "echo.default.svc.cluster.local|v1|80";
inline constexpr const char* kV2 = "echo.default.svc.cluster.local|v2|80";
inline constexpr const char* kGone = "gone.default.svc.cluster.local||80";

// Listener 0.0.0.0:80: echo.example.com (beta: /beta with x-user -> v2; main: the rest 80/20; a route to nowhere ready)
// Listener 192.0.2.1:8080: *.shop.example.com, one route, everything to v1.
[[nodiscard]] snapshot::SnapshotPtr sample_snapshot();
// Worker 0 and 1; together 80 picks of v1 and 20 of v2.
[[nodiscard]] std::vector<proxy::WorkerReport> sample_workers();
[[nodiscard]] app::MetricsInput sample_metrics();

}  // namespace sluice::test
