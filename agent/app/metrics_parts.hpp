// SPDX-License-Identifier: Apache-2.0
// The parts of metrics_view, one a folder of the agent, and the small builder they share. Thread: any.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "agent/app/metrics_view.hpp"

namespace sluice::app {

class Families {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  // Samples that follow belong to this family.
  Families& counter(std::string name, std::string help) {
    list_.push_back({std::move(name), std::move(help), telemetry::Family::Type::kCounter, {}});
    return *this;
  }
  Families& gauge(std::string name, std::string help) {
    list_.push_back({std::move(name), std::move(help), telemetry::Family::Type::kGauge, {}});
    return *this;
  }
  Families& histogram(std::string name, std::string help) {
    list_.push_back({std::move(name), std::move(help), telemetry::Family::Type::kHistogram, {}});
    return *this;
  }
  Families& sample(telemetry::Sample sample) {
    list_.back().samples.push_back(std::move(sample));
    return *this;
  }
  template <typename Number>
  Families& sample(Labels labels, Number value) {
    list_.back().samples.push_back({std::move(labels), static_cast<double>(value)});
    return *this;
  }
  [[nodiscard]] std::vector<telemetry::Family> take() { return std::move(list_); }

 private:
  std::vector<telemetry::Family> list_;
};

void add_proxy(const MetricsInput& input, Families& out);
void add_steer(const MetricsInput& input, Families& out);
void add_health(const MetricsInput& input, Families& out);
void add_snapshot(const MetricsInput& input, Families& out);
void add_datapath(const MetricsInput& input, Families& out);

}  // namespace sluice::app
