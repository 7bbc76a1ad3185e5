// SPDX-License-Identifier: Apache-2.0
// Metrics: Prometheus text from what the agent's parts report at scrape time; no polling thread, nothing on the hot
// path.
// Thread: any.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sluice::telemetry {

// One sample family as plain data. Names follow sluice_<folder>_<noun>_<unit|total>.
struct Bucket {
  double bound = 0;         // upper, included
  std::uint64_t count = 0;  // of this bucket alone
};
struct Sample {
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;  // of a histogram: the sum of what was observed
  std::vector<Bucket> buckets{};
  std::uint64_t beyond = 0;  // observations beyond the last bound
};
struct Family {
  enum class Type { kCounter, kGauge, kHistogram };
  std::string name;
  std::string help;
  Type type = Type::kCounter;
  std::vector<Sample> samples;
};

// Serialised by prometheus-cpp's text format. Families without samples still print their HELP and TYPE.
[[nodiscard]] std::string to_prometheus_text(const std::vector<Family>& families);

}  // namespace sluice::telemetry
