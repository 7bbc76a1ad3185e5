// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/number.hpp"

#include <fmt/core.h>

#include <cstdlib>
#include <limits>

namespace sluice::config {

std::optional<double> read_number(Fields& fields, std::string_view name, double low, double high) {
  const auto value = fields.get(name);
  if (!value) return std::nullopt;
  const Node& node = *value->node;
  const bool number = node.kind == Node::Kind::kScalar &&
                      (node.type() == Node::Type::kInteger || node.type() == Node::Type::kFloat);
  const Mark mark = node.mark.line > 0 ? node.mark : value->key;
  if (!number) {
    fields.report().error(
        mark, value->path, "wrong_type", fmt::format("needs a number, got {}", node.describe()),
        node.quoted ? "remove the quotes" : fmt::format("write one from {} to {}", low, high));
    return std::nullopt;
  }
  const double out = std::strtod(node.scalar.c_str(), nullptr);
  // Written so that a NaN is refused too.
  if (out >= low && out <= high) return out;
  fields.report().error(mark, value->path, "out_of_range",
                        fmt::format("{} is not a number from {} to {}", node.scalar, low, high));
  return std::nullopt;
}

std::optional<std::uint32_t> read_limit(Fields& fields, std::string_view name,
                                        std::string_view meaning) {
  const auto located = fields.get(name);
  const auto number = fields.integer(name, 0, std::numeric_limits<std::int32_t>::max());
  if (!number) return std::nullopt;
  if (*number > 0) return static_cast<std::uint32_t>(*number);
  fields.report().warning(located->node->mark, located->path, "no_effect",
                          fmt::format("0 is as good as leaving it out: {}", meaning),
                          "write a number from 1 up, or remove it");
  return std::nullopt;
}

}  // namespace sluice::config
