// SPDX-License-Identifier: Apache-2.0
#include "agent/telemetry/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <utility>

namespace sluice::telemetry {
namespace {

// The serializer writes HELP as it is: a line end in it would forge a sample (text format 0.0.4 escapes \ and LF).
std::string escape_help(const std::string& help) {
  std::string out;
  for (const char c : help) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

prometheus::MetricType convert(Family::Type type) {
  switch (type) {
    case Family::Type::kCounter:
      return prometheus::MetricType::Counter;
    case Family::Type::kGauge:
      return prometheus::MetricType::Gauge;
    case Family::Type::kHistogram:
      break;
  }
  return prometheus::MetricType::Histogram;
}

// Prometheus buckets count all that is not above their bound.
prometheus::ClientMetric::Histogram histogram(const Sample& sample) {
  prometheus::ClientMetric::Histogram out;
  out.sample_sum = sample.value;
  for (const Bucket& bucket : sample.buckets) {
    out.sample_count += bucket.count;
    out.bucket.push_back({out.sample_count, bucket.bound});
  }
  out.sample_count += sample.beyond;
  return out;
}

prometheus::MetricFamily convert(const Family& family) {
  prometheus::MetricFamily out;
  out.name = family.name;
  out.help = escape_help(family.help);
  out.type = convert(family.type);
  out.metric.reserve(family.samples.size());
  for (const Sample& sample : family.samples) {
    prometheus::ClientMetric metric;
    for (const auto& [name, value] : sample.labels) metric.label.push_back({name, value});
    if (family.type == Family::Type::kHistogram) {
      metric.histogram = histogram(sample);
    } else {
      const bool counter = family.type == Family::Type::kCounter;
      (counter ? metric.counter.value : metric.gauge.value) = sample.value;
    }
    out.metric.push_back(std::move(metric));
  }
  return out;
}

}  // namespace

std::string to_prometheus_text(const std::vector<Family>& families) {
  std::vector<prometheus::MetricFamily> converted;
  converted.reserve(families.size());
  for (const Family& family : families) converted.push_back(convert(family));
  return prometheus::TextSerializer().Serialize(converted);
}

}  // namespace sluice::telemetry
