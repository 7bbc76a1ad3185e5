// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/weights.hpp"

#include <fmt/core.h>

#include <array>
#include <cmath>
#include <cstdlib>

#include "agent/base/text.hpp"

namespace sluice::config {
namespace {

constexpr double kMaxWeight = 1e9;

bool is_number(const Node& node) {
  return node.kind == Node::Kind::kScalar &&
         (node.type() == Node::Type::kInteger || node.type() == Node::Type::kFloat);
}

Mark mark_of(const model::Origin& origin) { return {origin.line, origin.column}; }

struct VersionName {
  std::string stem;
  std::uint64_t number = 0;
};

// "v2" -> {"v", 2}; nullopt without trailing digits.
std::optional<VersionName> split_version(const std::string& name) {
  const auto last = name.find_last_not_of("0123456789");
  const std::size_t start = last == std::string::npos ? 0 : last + 1;
  if (start == name.size() || name.size() - start > 9) return std::nullopt;
  return VersionName{name.substr(0, start), std::strtoull(name.c_str() + start, nullptr, 10)};
}

// Is `a` by its name the newer, less trusted one of the two?
bool newer_than(const std::string& a, const std::string& b) {
  static constexpr std::array<std::string_view, 5> kNew{"canary", "preview", "next", "new", "beta"};
  static constexpr std::array<std::string_view, 5> kOld{"stable", "production", "current", "old",
                                                        "primary"};
  const auto contains = [](const auto& words, const std::string& name) {
    for (const std::string_view word : words) {
      if (equals_ignore_case(name, word)) return true;
    }
    return false;
  };
  if (contains(kNew, a) && !contains(kNew, b)) return true;
  if (contains(kOld, b) && !contains(kOld, a)) return true;
  const auto version_a = split_version(a);
  const auto version_b = split_version(b);
  return version_a && version_b && version_a->stem == version_b->stem &&
         version_a->number > version_b->number;
}

void warn_about_canary(const std::vector<DestinationSpec>& destinations, Report& report) {
  if (destinations.size() != 2) return;
  const DestinationSpec* small = &destinations[0];
  const DestinationSpec* large = &destinations[1];
  if (small->weight > large->weight) std::swap(small, large);
  if (small->weight == 0 || small->weight == large->weight) return;
  const bool by_subset = small->host.value == large->host.value;
  const std::string& small_name = by_subset ? small->subset.value : small->host.value;
  const std::string& large_name = by_subset ? large->subset.value : large->host.value;
  if (small_name.empty() || !newer_than(large_name, small_name)) return;
  const auto total = static_cast<double>(small->weight + large->weight);
  const auto percent = [&](const DestinationSpec& d) {
    return std::round(1000.0 * static_cast<double>(d.weight) / total) / 10.0;
  };
  report.warning(mark_of(large->weight_origin), large->weight_origin.path, "newer_gets_more",
                 fmt::format("`{}` gets {:g} % and `{}` gets {:g} %: the newer one gets the larger "
                             "share",
                             large_name, percent(*large), small_name, percent(*small)),
                 fmt::format("if `{}` is to keep most of the traffic, swap the weights at lines {} "
                             "and {}",
                             small_name, destinations[0].weight_origin.line,
                             destinations[1].weight_origin.line));
}

}  // namespace

std::optional<std::uint64_t> read_weight(const Located& value, Report& report) {
  const Node& node = *value.node;
  if (!is_number(node)) {
    report.error(value.node->mark, value.path, "wrong_type",
                 fmt::format("needs a number, got {}", node.describe()),
                 node.quoted ? "remove the quotes" : "write a number such as 80");
    return std::nullopt;
  }
  const double number = std::strtod(node.scalar.c_str(), nullptr);
  const std::string lower = to_lower(node.scalar);
  const bool finite = lower.find("inf") == lower.npos && lower.find("nan") == lower.npos;
  if (!finite || !(number >= 0) || number > kMaxWeight) {
    report.error(node.mark, value.path, "out_of_range",
                 fmt::format("{} is not a weight", node.scalar),
                 "write a number from 0 to 1000000000; weights are relative");
    return std::nullopt;
  }
  const auto weight =
      static_cast<std::uint64_t>(std::llround(number * static_cast<double>(model::kWeightUnit)));
  if (weight == 0 && number > 0) {
    report.error(node.mark, value.path, "out_of_range",
                 fmt::format("{} is below the smallest weight, 0.000001", node.scalar),
                 "weights are relative: multiply all of the route's weights");
    return std::nullopt;
  }
  return weight;
}

void check_weights(std::vector<DestinationSpec>& destinations, const model::Origin& route,
                   Report& report) {
  if (destinations.size() == 1) {
    DestinationSpec& only = destinations.front();
    if (only.weight == 0) only.weight = 100 * model::kWeightUnit;
    return;
  }
  if (destinations.empty()) return;
  std::uint64_t total = 0;
  for (const DestinationSpec& destination : destinations) total += destination.weight;
  if (total == 0 && !report.failed()) {
    report.error(mark_of(route), route.path.str() + ".route", "weights_sum_to_zero",
                 "the weights of this route sum to 0: no destination would get a request",
                 "give each destination a `weight:`");
    return;
  }
  for (const DestinationSpec& destination : destinations) {
    if (destination.weight == 0 && destination.weight_origin.path == destination.origin.path) {
      report.warning(mark_of(destination.origin), destination.origin.path, "missing_weight",
                     "without a weight beside siblings that have one it gets no request",
                     "add `weight:`; write 0 if that is meant");
    }
  }
  warn_about_canary(destinations, report);
}

}  // namespace sluice::config
