// SPDX-License-Identifier: Apache-2.0
// LoadReport: what a run of load-client counted, and how it is printed; LatencyHistogram:
// percentiles in bounded memory. Callers: LoadConnection counts, main prints. Thread: main.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::support {

// Microseconds in buckets of 1/64 of a power of two: percentiles are at most 1.6 % too high.
class LatencyHistogram {
 public:
  void add(std::uint64_t microseconds);
  [[nodiscard]] std::uint64_t percentile(double percent) const;
  [[nodiscard]] std::uint64_t max() const { return max_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  static constexpr std::size_t kBuckets = 64 * 40;
  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0, max_ = 0;
};

struct LoadReport {
  // What failed, so that a test can tell why: the connection's own port and when.
  struct Failure {
    std::string kind;
    std::uint16_t port = 0;  // 0: of no connection
    double at = 0;           // CLOCK_MONOTONIC, seconds
  };
  static constexpr std::size_t kMostFailures = 10'000;  // kept; all are counted

  std::uint64_t requests_ok = 0;
  std::uint64_t connections = 0;
  std::uint64_t reconnects = 0;  // after an error or a close that the client did not choose
  std::uint64_t bytes_sent = 0, bytes_received = 0;
  std::uint64_t moved =
      0;  // a connection's request was answered by another pod than the one before
  std::map<std::string, std::uint64_t, std::less<>> versions, pods;
  std::map<std::string, std::uint64_t, std::less<>>
      first_versions;  // of each connection's first answer
  std::map<std::string, std::uint64_t, std::less<>> errors;
  std::vector<Failure> failures;
  LatencyHistogram latency;
  double seconds = 0;

  [[nodiscard]] std::uint64_t failed() const;
  // Prints the first ones.
  void count_error(std::string_view kind, const std::string& detail, std::uint16_t port = 0);
  void print_text() const;
  void print_json() const;
};

}  // namespace sluice::support
