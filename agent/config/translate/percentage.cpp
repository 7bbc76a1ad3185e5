// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/percentage.hpp"

#include <fmt/core.h>

#include <cmath>
#include <cstdlib>

namespace sluice::config {
namespace {

constexpr double kMillionthsPerPercent = model::Fraction::kWhole / 100.0;

std::optional<double> read_number(Fields& fields, const Located& value) {
  const Node& node = *value.node;
  const bool number = node.kind == Node::Kind::kScalar &&
                      (node.type() == Node::Type::kInteger || node.type() == Node::Type::kFloat);
  const Mark mark = node.mark.line > 0 ? node.mark : value.key;
  if (!number) {
    fields.report().error(mark, value.path, "wrong_type",
                          fmt::format("needs a number, got {}", node.describe()),
                          node.quoted ? "remove the quotes" : "write a number from 0 to 100");
    return std::nullopt;
  }
  const double out = std::strtod(node.scalar.c_str(), nullptr);
  // Below 0.0001 % a share would be rounded to nothing. The negation also refuses a NaN.
  if (out == 0 || (out >= 0.0001 && out <= 100)) return out;
  fields.report().error(mark, value.path, "out_of_range",
                        fmt::format("{} is not a percentage", node.scalar),
                        "write 0, or a number from 0.0001 to 100");
  return std::nullopt;
}

}  // namespace

std::optional<model::Fraction> read_percentage(Fields& fields, std::string_view name) {
  const auto located = fields.get(name);
  if (!located) return std::nullopt;
  if (located->node->kind == Node::Kind::kScalar) {
    fields.report().error(located->node->mark, located->path, "wrong_type",
                          fmt::format("needs a map, got {}", located->node->describe()),
                          fmt::format("write `value: {}` below it", located->node->scalar));
    return std::nullopt;
  }
  Fields inner(*located->node, located->path, fields.report());
  double percent = 0;
  if (const auto value = inner.get("value")) {
    const auto number = read_number(inner, *value);
    if (!number) return std::nullopt;
    percent = *number;
  }
  inner.finish();
  return model::Fraction{static_cast<std::uint32_t>(std::llround(percent * kMillionthsPerPercent))};
}

std::optional<model::Fraction> read_whole_percentage(Fields& fields, std::string_view name) {
  const auto number = fields.integer(name, 0, 100);
  if (!number) return std::nullopt;
  return model::Fraction{static_cast<std::uint32_t>(*number) * (model::Fraction::kWhole / 100)};
}

}  // namespace sluice::config
