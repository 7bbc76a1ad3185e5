// SPDX-License-Identifier: Apache-2.0
// A configuration of 3,000 virtual services in real files, two real workers: how long one change takes from the moment
// it is looked for until the last worker has it, and that nothing else is made anew. The numbers are printed, and
// written to the file SLUICE_SCALE_JSON for tools/bench/scale; the bounds are generous, because other things run beside
// tests.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agent/app/update_pipeline.hpp"
#include "agent/proxy/worker.hpp"
#include "tests/scale/bound.hpp"

namespace sluice::app {
namespace {

constexpr int kServices = 3000;
constexpr int kWorkers = 2;

class Update : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-scale-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
    write("g.yaml",
          "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec:\n"
          "  selector: {istio: ingressgateway}\n  servers:\n"
          "    - {port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}\n");
    for (int i = 0; i < kServices; ++i) write_service(i, 1);
    for (int i = 0; i < kServices / 10; ++i) write_endpoints(i, 1);
    for (int i = 0; i < kWorkers; ++i) {
      proxy::WorkerOptions options;
      options.index = static_cast<std::uint32_t>(i);
      auto worker = proxy::Worker::create(options, clock_, {});
      ASSERT_TRUE(worker);
      workers_.push_back(std::move(*worker));
      workers_.back()->start();
    }
    pipeline_ = std::make_unique<UpdatePipeline>(
        path_.string(), config::TranslateOptions{.gateway_labels = {{"istio", "ingressgateway"}}},
        snapshot::BuildOptions{}, [this](const snapshot::SnapshotPtr& next) {
          for (const auto& worker : workers_) worker->publish(next);
          return std::map<std::string, std::string>();
        });
    auto source = config::FileSource::open(path_.string(), clock_, Milliseconds(1));
    ASSERT_TRUE(source);
    source_ = std::move(*source);
  }
  void TearDown() override {
    for (const auto& worker : workers_) worker->stop(Milliseconds(0));
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
  }
  void write_service(int i, int weight) const {
    write(fmt::format("v{:04}.yaml", i),
          fmt::format("apiVersion: networking.istio.io/v1\nkind: VirtualService\n"
                      "metadata: {{name: v{0}}}\nspec:\n  hosts: [h{0}.example.com]\n"
                      "  gateways: [g]\n  http:\n    - match: [{{uri: {{prefix: /api}}}}]\n"
                      "      route:\n        - {{destination: {{host: s{1}}}, weight: {2}}}\n"
                      "        - {{destination: {{host: s{3}}}, weight: 1}}\n"
                      "    - route: [{{destination: {{host: s{1}}}}}]\n",
                      i, i % 300, weight, (i + 1) % 300));
  }
  void write_endpoints(int i, int first) const {
    std::string text = fmt::format(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: s{0}}}\nspec: {{ports: [{{port: 80}}]}}\n"
        "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n"
        "metadata: {{name: s{0}-1, labels: {{kubernetes.io/service-name: s{0}}}}}\n"
        "ports: [{{port: 8080}}]\nendpoints:\n",
        i);
    for (int e = 0; e < 10; ++e) {
      text += fmt::format("  - {{addresses: [10.{}.{}.{}]}}\n", i / 250, i % 250, first + e);
    }
    write(fmt::format("s{}.yaml", i), text);
  }

  // Milliseconds until the last worker has what the files say, as the file source tells which of them changed.
  double reload() {
    config::FileChanges changes{.all = first_, .names = {}};
    while (!first_ && changes.names.empty() && !changes.all) {
      changes = source_->poll().value_or(config::FileChanges{});
    }
    first_ = false;
    const auto start = std::chrono::steady_clock::now();
    pipeline_->reload(changes);
    for (const auto& worker : workers_) {
      while (worker->report(Milliseconds(1000))->generation != pipeline_->current()->generation) {
        std::this_thread::yield();
      }
    }
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    return took.count();
  }
  // The middle one of several changes.
  template <typename Change>
  double median(const Change& change) {
    std::vector<double> times;
    for (int i = 0; i < 9; ++i) {
      change(i);
      times.push_back(reload());
    }
    std::ranges::sort(times);
    return times[times.size() / 2];
  }

  std::filesystem::path path_;
  SteadyClock clock_;
  std::vector<std::unique_ptr<proxy::Worker>> workers_;
  std::unique_ptr<UpdatePipeline> pipeline_;
  std::unique_ptr<config::FileSource> source_;
  bool first_ = true;
};

TEST_F(Update, OneOf3000VirtualServicesReachesTheWorkersQuickly) {
  const double first = reload();
  const auto before = pipeline_->current();
  ASSERT_EQ(before->listeners.at(0)->routes.virtual_hosts().size(), std::size_t{kServices});
  write_service(1234, 7);
  (void)reload();
  const auto after = pipeline_->current();
  const auto& old = before->listeners[0]->routes.virtual_hosts();
  const auto& now = after->listeners[0]->routes.virtual_hosts();
  int made = 0;
  for (std::size_t i = 0; i < now.size(); ++i) made += now[i] == old[i] ? 0 : 1;
  EXPECT_EQ(made, 1) << "virtual hosts that were made anew";
  EXPECT_EQ(after->clusters, before->clusters);

  const double weight = median([this](int i) { write_service(1234, 20 + i); });
  const double endpoint = median([this](int i) { write_endpoints(7, 20 + i); });
  const double added = median([this](int i) { write_service(kServices + i, 1); });
  const double removed = median([this](int i) {
    std::filesystem::remove(path_ / fmt::format("v{:04}.yaml", kServices + i));
  });
  fmt::print(
      "{} virtual services: first load {:.1f} ms; one weight {:.2f} ms; one endpoint slice "
      "{:.2f} ms; one virtual service added {:.2f} ms, removed {:.2f} ms\n",
      kServices, first, weight, endpoint, added, removed);
  if (const char* path = std::getenv("SLUICE_SCALE_JSON")) {
    std::ofstream(path) << fmt::format(
        "{{\"first load of 3,000 virtual services\": {:.3f}, \"one weight\": {:.3f}, "
        "\"one EndpointSlice\": {:.3f}, \"one virtual service added\": {:.3f}, "
        "\"one virtual service removed\": {:.3f}}}\n",
        first, weight, endpoint, added, removed);
  }
  EXPECT_LT(weight, kBoundMs);
  EXPECT_LT(endpoint, 4 * kBoundMs);
  EXPECT_LT(added, 2 * kBoundMs);
  EXPECT_LT(removed, 2 * kBoundMs);
}

}  // namespace
}  // namespace sluice::app
