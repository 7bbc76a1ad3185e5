// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/duration.hpp"

#include <fmt/core.h>

#include <array>
#include <charconv>
#include <cmath>

namespace sluice::config {
namespace {

constexpr double kMostNanoseconds = 10.0 * 365 * 24 * 3600 * 1e9;

struct Unit {
  std::string_view name;
  double nanoseconds;
};
// The longer name first where one begins another.
constexpr std::array<Unit, 6> kUnits{
    {{"ms", 1e6}, {"us", 1e3}, {"ns", 1}, {"h", 3600e9}, {"m", 60e9}, {"s", 1e9}}};

// Takes "1.5s" off the front of `text`; nullopt when it does not begin with a number and a unit.
std::optional<double> take_part(std::string_view& text) {
  double number = 0;
  if (text.empty() || text.front() == '-') return std::nullopt;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(number)) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return number * unit.nanoseconds;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Nanoseconds> parse_duration(std::string_view text) {
  if (text == "0") return Nanoseconds{0};
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    const auto part = take_part(text);
    if (!part) return std::nullopt;
    total += *part;
  }
  if (total > kMostNanoseconds) return std::nullopt;
  return Nanoseconds{std::llround(total)};
}

std::optional<Milliseconds> read_duration(Fields& fields, std::string_view name,
                                          Milliseconds minimum) {
  const auto value = fields.get(name);
  if (!value) return std::nullopt;
  const Node& node = *value->node;
  const Mark mark = node.mark.line > 0 ? node.mark : value->key;
  if (node.kind != Node::Kind::kScalar || node.type() != Node::Type::kString) {
    const bool number = node.kind == Node::Kind::kScalar;
    fields.report().error(mark, value->path, "wrong_type",
                          fmt::format("needs a duration, got {}", node.describe()),
                          number ? fmt::format("write the unit: `{0}s` or `{0}ms`", node.scalar)
                                 : std::string("write one such as `5s`, `100ms` or `1h`"));
    return std::nullopt;
  }
  const auto parsed = parse_duration(node.scalar);
  if (!parsed) {
    fields.report().error(mark, value->path, "bad_duration",
                          fmt::format("`{}` is not a duration", node.scalar),
                          "write one such as `5s`, `100ms`, `1.5s` or `1h`");
    return std::nullopt;
  }
  const auto whole = std::chrono::duration_cast<Milliseconds>(*parsed);
  if (whole != *parsed || whole < minimum) {
    fields.report().error(
        mark, value->path, "out_of_range",
        fmt::format("{} is not in whole milliseconds from {} ms up", node.scalar, minimum.count()),
        "write one such as `5s`, `100ms`, `1.5s` or `1h`");
    return std::nullopt;
  }
  return whole;
}

}  // namespace sluice::config
