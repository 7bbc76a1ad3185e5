// SPDX-License-Identifier: Apache-2.0
// Metrics: Prometheus text from what the agent's parts report at scrape time; no polling thread, nothing on the hot
// path.
// Thread: any.
#pragma once
#include <string>
#include <vector>

namespace sluice::telemetry {

// One sample family as plain data. Names follow sluice_<folder>_<noun>_<unit|total>.
struct Sample {
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
};
struct Family {
  enum class Type { kCounter, kGauge };
  std::string name;
  std::string help;
  Type type = Type::kCounter;
  std::vector<Sample> samples;
};

// Serialised by prometheus-cpp's text format. Families without samples still print their HELP and TYPE.
[[nodiscard]] std::string to_prometheus_text(const std::vector<Family>& families);

}  // namespace sluice::telemetry
