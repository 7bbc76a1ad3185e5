// SPDX-License-Identifier: Apache-2.0
#include "agent/config/manifest/fields.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "agent/base/text.hpp"

namespace sluice::config {
namespace {

void wrong_type(Report& report, const Located& value, const char* wanted, std::string hint) {
  const Mark mark = value.node->mark.line > 0 ? value.node->mark : value.key;
  report.error(mark, value.path, "wrong_type",
               fmt::format("needs {}, got {}", wanted, value.node->describe()), std::move(hint));
}

}  // namespace

Fields::Fields(const Node& node, std::string path, Report& report)
    : node_(node), path_(std::move(path)), report_(report) {
  if (!node.is_map() && !node.is_null()) {
    wrong_type(report_, {&node, node.mark, path_}, "a map", "write `name: value` lines below it");
  }
}

std::string Fields::child(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

std::optional<Located> Fields::get(std::string_view name) {
  asked_.push_back(name);
  const Member* member = node_.find(name);
  if (member == nullptr || member->value.is_null()) return std::nullopt;
  return Located{&member->value, member->mark, child(name)};
}

std::optional<Located> Fields::map(std::string_view name) {
  auto value = get(name);
  if (!value) return std::nullopt;
  if (value->node->is_map()) return value;
  wrong_type(report_, *value, "a map",
             value->node->is_list() ? "remove the `- ` in front" : "write `name: value` below it");
  return std::nullopt;
}

std::vector<Located> Fields::list(std::string_view name) {
  const auto value = get(name);
  if (!value) return {};
  if (!value->node->is_list()) {
    wrong_type(report_, *value, "a list", "begin each item with `- `");
    return {};
  }
  std::vector<Located> items;
  items.reserve(value->node->items.size());
  for (const Node& item : value->node->items) {
    items.push_back({&item, item.mark, fmt::format("{}[{}]", value->path, items.size())});
  }
  return items;
}

std::optional<Text> Fields::as_text(const Located& value) {
  const Node& node = *value.node;
  if (node.kind == Node::Kind::kScalar && node.type() == Node::Type::kString) {
    return Text{node.scalar, node.mark, value.path};
  }
  const bool scalar = node.kind == Node::Kind::kScalar;
  wrong_type(report_, value, "a string",
             scalar ? fmt::format("write it in quotes: \"{}\"", node.scalar) : std::string());
  return std::nullopt;
}

std::optional<Text> Fields::text(std::string_view name) {
  const auto value = get(name);
  return value ? as_text(*value) : std::nullopt;
}

std::vector<Text> Fields::texts(std::string_view name) {
  std::vector<Text> out;
  for (const Located& item : list(name)) {
    if (auto text = as_text(item)) out.push_back(std::move(*text));
  }
  return out;
}

std::map<std::string, std::string> Fields::labels(std::string_view name) {
  std::map<std::string, std::string> out;
  const auto value = map(name);
  if (!value) return out;
  for (const Member& member : value->node->members) {
    if (member.value.is_null()) {
      out.emplace(member.key, "");
      continue;
    }
    const Located located{&member.value, member.mark,
                          fmt::format("{}[\"{}\"]", value->path, member.key)};
    if (auto text = as_text(located)) out.emplace(member.key, std::move(text->value));
  }
  return out;
}

std::optional<bool> Fields::boolean(std::string_view name) {
  const auto value = get(name);
  if (!value) return std::nullopt;
  if (value->node->kind == Node::Kind::kScalar && value->node->type() == Node::Type::kBool) {
    const std::string& word = value->node->scalar;
    return equals_ignore_case(word, "true") || equals_ignore_case(word, "yes") ||
           equals_ignore_case(word, "on");
  }
  wrong_type(report_, *value, "true or false",
             value->node->quoted ? "remove the quotes" : std::string());
  return std::nullopt;
}

std::optional<std::int64_t> Fields::integer(std::string_view name, std::int64_t low,
                                            std::int64_t high) {
  const auto value = get(name);
  if (!value) return std::nullopt;
  const Node& node = *value->node;
  if (node.kind != Node::Kind::kScalar || node.type() != Node::Type::kInteger) {
    wrong_type(report_, *value, "a whole number",
               node.kind == Node::Kind::kScalar && node.quoted ? "remove the quotes" : "");
    return std::nullopt;
  }
  std::string_view digits = node.scalar;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size() || number < low ||
      number > high) {
    report_.error(node.mark, value->path, "out_of_range",
                  fmt::format("{} is not a whole number from {} to {}", node.scalar, low, high));
    return std::nullopt;
  }
  return number;
}

std::optional<std::uint16_t> Fields::port(std::string_view name) {
  const auto number = integer(name, 1, 65535);
  if (!number) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

void Fields::missing(std::string_view name, std::string hint) {
  report_.error(node_.mark, child(name), "missing_field", "this field is required",
                std::move(hint));
}

Text Fields::required_text(std::string_view name) {
  const auto value = get(name);
  if (!value) {
    missing(name, fmt::format("add `{}: ...`", name));
    return {{}, node_.mark, child(name)};
  }
  auto text = as_text(*value);
  return text ? std::move(*text) : Text{{}, value->key, value->path};
}

void Fields::silent(std::span<const std::string_view> names) {
  asked_.insert(asked_.end(), names.begin(), names.end());
}

void Fields::finish(std::span<const std::string_view> known_unbuilt) {
  std::vector<std::string_view> known = asked_;
  known.insert(known.end(), known_unbuilt.begin(), known_unbuilt.end());
  const auto contains = [](std::span<const std::string_view> names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const Member& member : node_.members) {
    if (contains(asked_, member.key)) continue;
    const std::string field = child(member.key);
    if (contains(known_unbuilt, member.key)) {
      const bool empty =
          member.value.is_null() || (member.value.kind != Node::Kind::kScalar &&
                                     member.value.members.empty() && member.value.items.empty());
      if (!empty) report_.unsupported(member.mark, field);
      continue;
    }
    const std::string meant = closest(member.key, known);
    report_.error(member.mark, field, "unknown_field",
                  fmt::format("the field `{}` does not exist here", member.key),
                  meant.empty() ? std::string() : fmt::format("did you mean `{}`?", meant));
  }
}

}  // namespace sluice::config
