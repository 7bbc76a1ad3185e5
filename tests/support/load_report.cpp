// SPDX-License-Identifier: Apache-2.0
#include "tests/support/load_report.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace sluice::support {
namespace {

using Counts = std::map<std::string, std::uint64_t, std::less<>>;
constexpr std::uint64_t kDetailsShown = 20;

void print_shares(const char* title, const Counts& counts) {
  std::uint64_t total = 0;
  for (const auto& [name, count] : counts) total += count;
  for (const auto& [name, count] : counts) {
    std::printf("%-12s %-20s %12llu %7.2f %%\n", title, name.c_str(),
                static_cast<unsigned long long>(count),
                100.0 * static_cast<double>(count) / static_cast<double>(total));
  }
}

// Names come from X-Version and X-Pod fields: anything that JSON would have to escape is replaced.
void print_json_counts(const char* key, const Counts& counts) {
  std::printf("  \"%s\": {", key);
  const char* separator = "";
  for (const auto& [name, count] : counts) {
    std::string safe = name;
    for (char& byte : safe) {
      if (byte < 0x20 || byte > 0x7e || byte == '"' || byte == '\\') byte = '?';
    }
    std::printf("%s\"%s\": %llu", separator, safe.c_str(), static_cast<unsigned long long>(count));
    separator = ", ";
  }
  std::printf("},\n");
}

void print_json_failures(const std::vector<LoadReport::Failure>& failures) {
  std::printf("  \"failures\": [");
  const char* separator = "";
  for (const LoadReport::Failure& failure : failures) {
    std::printf("%s{\"kind\": \"%s\", \"port\": %u, \"at\": %.6f}", separator, failure.kind.c_str(),
                unsigned{failure.port}, failure.at);
    separator = ", ";
  }
  std::printf("],\n");
}

}  // namespace

void LatencyHistogram::add(std::uint64_t microseconds) {
  const auto bits = static_cast<std::size_t>(std::bit_width(microseconds));
  const std::size_t shift = bits > 7 ? bits - 7 : 0;
  const std::size_t bucket = shift * 64 + (microseconds >> shift);
  ++buckets_[std::min(bucket, kBuckets - 1)];
  ++count_;
  max_ = std::max(max_, microseconds);
}

std::uint64_t LatencyHistogram::percentile(double percent) const {
  const auto rank =
      static_cast<std::uint64_t>(std::ceil(static_cast<double>(count_) * percent / 100.0));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen < rank || seen == 0) continue;
    // Bucket i holds values (i - shift * 64) << shift, where i - shift * 64 is 64..127 unless shift
    // is 0.
    const std::size_t shift = i < 128 ? 0 : i / 64 - 1;
    const std::uint64_t top = ((i - shift * 64 + 1) << shift) - 1;
    return std::min<std::uint64_t>(top, max_);
  }
  return max_;
}

std::uint64_t LoadReport::failed() const {
  std::uint64_t total = 0;
  for (const auto& [kind, count] : errors) total += count;
  return total;
}

void LoadReport::count_error(std::string_view kind, const std::string& detail, std::uint16_t port) {
  if (failed() < kDetailsShown) {
    std::fprintf(stderr, "load-client: %.*s: %s\n", static_cast<int>(kind.size()), kind.data(),
                 detail.c_str());
  }
  ++errors[std::string(kind)];
  if (failures.size() == kMostFailures) return;
  const std::chrono::duration<double> at = std::chrono::steady_clock::now().time_since_epoch();
  failures.push_back({std::string(kind), port, at.count()});
}

void LoadReport::print_text() const {
  const double rate = seconds > 0 ? static_cast<double>(requests_ok) / seconds : 0;
  std::printf("%-12s %-20s %12llu %9.0f /s in %.1f s\n", "requests", "ok",
              static_cast<unsigned long long>(requests_ok), rate, seconds);
  std::printf("%-12s %-20s %12llu\n", "requests", "failed",
              static_cast<unsigned long long>(failed()));
  for (const auto& [kind, count] : errors) {
    std::printf("%-12s %-20s %12llu\n", "error", kind.c_str(),
                static_cast<unsigned long long>(count));
  }
  std::printf("%-12s %-20s %12llu\n", "connections", "opened",
              static_cast<unsigned long long>(connections));
  std::printf("%-12s %-20s %12llu\n", "connections", "reopened",
              static_cast<unsigned long long>(reconnects));
  std::printf("%-12s %-20s %12llu\n", "connections", "moved",
              static_cast<unsigned long long>(moved));
  std::printf("%-12s %-20s %12.1f MB\n", "bytes", "sent", static_cast<double>(bytes_sent) / 1e6);
  std::printf("%-12s %-20s %12.1f MB\n", "bytes", "received",
              static_cast<double>(bytes_received) / 1e6);
  print_shares("version", versions);
  print_shares("first", first_versions);
  print_shares("pod", pods);
  std::printf("%-12s p50 %llu us, p90 %llu us, p99 %llu us, max %llu us\n", "latency",
              static_cast<unsigned long long>(latency.percentile(50)),
              static_cast<unsigned long long>(latency.percentile(90)),
              static_cast<unsigned long long>(latency.percentile(99)),
              static_cast<unsigned long long>(latency.max()));
}

void LoadReport::print_json() const {
  const auto number = [](const char* key, std::uint64_t value) {
    std::printf("  \"%s\": %llu,\n", key, static_cast<unsigned long long>(value));
  };
  std::printf("{\n");
  number("requests_ok", requests_ok);
  number("requests_failed", failed());
  number("connections", connections);
  number("reconnects", reconnects);
  number("moved", moved);
  number("bytes_sent", bytes_sent);
  number("bytes_received", bytes_received);
  print_json_counts("errors", errors);
  print_json_failures(failures);
  print_json_counts("versions", versions);
  print_json_counts("first_versions", first_versions);
  print_json_counts("pods", pods);
  number("latency_p50_us", latency.percentile(50));
  number("latency_p90_us", latency.percentile(90));
  number("latency_p99_us", latency.percentile(99));
  number("latency_max_us", latency.max());
  std::printf("  \"requests_per_second\": %.1f,\n",
              seconds > 0 ? static_cast<double>(requests_ok) / seconds : 0);
  std::printf("  \"seconds\": %.3f\n}\n", seconds);
}

}  // namespace sluice::support
