// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/http_match.hpp"

#include <fmt/core.h>

#include <array>

#include "agent/base/text.hpp"

namespace sluice::config {
namespace {

using model::StringMatch;

void check_regex(const DecodeInput& input, const Text& text) {
  if (!input.check_regex.expression) return;
  const auto wrong = input.check_regex.expression(text.value);
  if (!wrong) return;
  input.report.error(text.mark, text.path, "bad_regex",
                     fmt::format("`{}` is not a regular expression: {}", text.value, *wrong),
                     "the syntax is RE2, and the expression must match the whole value");
}

std::vector<model::NamedMatch> read_named(const DecodeInput& input, Fields& fields,
                                          std::string_view name, bool headers) {
  std::vector<model::NamedMatch> out;
  const auto map = fields.map(name);
  if (!map) return out;
  for (const Member& member : map->node->members) {
    const Located value{&member.value, member.mark,
                        fmt::format("{}[\"{}\"]", map->path, member.key)};
    if (headers && (member.key.empty() || member.key.starts_with(':'))) {
      input.report.error(member.mark, value.path, "bad_header",
                         fmt::format("`{}` is not a header name", member.key),
                         "match on uri, method, scheme and authority with the fields of that name");
      continue;
    }
    if (auto match = read_string_match(input, value, true)) {
      out.push_back({headers ? to_lower(member.key) : member.key, std::move(*match)});
    }
  }
  return out;
}

}  // namespace

std::optional<StringMatch> read_string_match(const DecodeInput& input, const Located& located,
                                             bool empty_is_present) {
  const Node& node = *located.node;
  if (node.kind == Node::Kind::kScalar) {
    input.report.error(node.mark, located.path, "wrong_type",
                       fmt::format("needs a map, got {}", node.describe()),
                       fmt::format("write `exact: \"{}\"` below it", node.scalar));
    return std::nullopt;
  }
  Fields fields(node, located.path, input.report);
  const auto exact = fields.text("exact");
  const auto prefix = fields.text("prefix");
  const auto regex = fields.text("regex");
  fields.finish();
  const int given = (exact ? 1 : 0) + (prefix ? 1 : 0) + (regex ? 1 : 0);
  if (given == 1) {
    // Istio reads this one as presence; as an expression it would be none.
    if (regex && empty_is_present && regex->value == "*") {
      return StringMatch{StringMatch::Kind::kPresent, {}};
    }
    if (regex) check_regex(input, *regex);
    if (exact) return StringMatch{StringMatch::Kind::kExact, exact->value};
    if (prefix) return StringMatch{StringMatch::Kind::kPrefix, prefix->value};
    return StringMatch{StringMatch::Kind::kRegex, regex->value};
  }
  if (given == 0 && empty_is_present && node.members.empty()) {
    return StringMatch{StringMatch::Kind::kPresent, {}};
  }
  if (given == 0 && input.report.failed()) return std::nullopt;
  input.report.error(located.key, located.path, "bad_match",
                     "needs exactly one of exact, prefix and regex", "write one, such as `exact:`");
  return std::nullopt;
}

std::optional<GatewayReference> read_gateway_reference(const DecodeInput& input, const Text& text) {
  GatewayReference out{input.meta.name_space, text.value, input.origin(text.mark, text.path)};
  if (const auto slash = text.value.find('/'); slash != std::string::npos) {
    out.name_space = text.value.substr(0, slash);
    out.name = text.value.substr(slash + 1);
    if (out.name_space == ".") out.name_space = input.meta.name_space;
  }
  if (!out.name.empty() && !out.name_space.empty()) return out;
  input.report.error(text.mark, text.path, "bad_reference",
                     fmt::format("`{}` names no Gateway", text.value),
                     "write `name` or `namespace/name`");
  return std::nullopt;
}

std::vector<std::string> read_match_gateways(const DecodeInput& input, Fields& match) {
  std::vector<std::string> out;
  for (const Text& text : match.texts("gateways")) {
    if (const auto reference = read_gateway_reference(input, text)) {
      out.push_back(text.value == "mesh" ? "mesh" : reference->full_name());
    }
  }
  return out;
}

bool reports_source(Fields& match, std::initializer_list<std::string_view> names) {
  bool never = false;
  for (const std::string_view name : names) {
    const auto value = match.get(name);
    if (!value) continue;
    never = true;
    match.report().unsupported(value->key, value->path,
                               "not applicable at a gateway: this match never matches, as leaving "
                               "the condition out would widen it");
  }
  return never;
}

std::optional<MatchSpec> read_http_match(const DecodeInput& input, const Located& located) {
  Fields fields(*located.node, located.path, input.report);
  MatchSpec out;
  model::RouteMatch& match = out.match;
  const auto string_match = [&](std::string_view name) -> std::optional<StringMatch> {
    const auto value = fields.get(name);
    return value ? read_string_match(input, *value, false) : std::nullopt;
  };
  if (const auto name = fields.text("name")) match.name = name->value;
  match.uri = string_match("uri");
  match.scheme = string_match("scheme");
  match.method = string_match("method");
  match.authority = string_match("authority");
  match.ignore_uri_case = fields.boolean("ignoreUriCase").value_or(false);
  match.headers = read_named(input, fields, "headers", true);
  match.without_headers = read_named(input, fields, "withoutHeaders", true);
  match.query_params = read_named(input, fields, "queryParams", false);
  match.port = fields.port("port");
  match.origin = input.origin(located.key, located.path);
  out.gateways = read_match_gateways(input, fields);
  const bool never = reports_source(fields, {"sourceLabels", "sourceNamespace"});
  if (const auto prefix = fields.get("statPrefix")) {
    input.report.unsupported(prefix->key, prefix->path,
                             "metrics are counted by route and cluster under names that are fixed");
  }
  fields.finish();
  if (never) return std::nullopt;
  return out;
}

}  // namespace sluice::config
