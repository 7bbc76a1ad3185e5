// SPDX-License-Identifier: Apache-2.0
// HTTPRoute.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "agent/base/text.hpp"
#include "agent/config/translate/choice.hpp"
#include "agent/config/translate/duration.hpp"
#include "agent/config/translate/gateway_api/decode.hpp"
#include "agent/config/translate/gateway_api/http_filters.hpp"

namespace sluice::config {
namespace {

using Kind = model::StringMatch::Kind;

void check_regex(const DecodeInput& input, const Text& text) {
  if (!input.check_regex.expression) return;
  if (const auto wrong = input.check_regex.expression(text.value)) {
    input.report.error(text.mark, text.path, "bad_regex",
                       fmt::format("`{}` is not a regular expression: {}", text.value, *wrong),
                       "the syntax is RE2, and the expression must match the whole value");
  }
}

void read_path(const DecodeInput& input, Fields& match, model::RouteMatch& out) {
  const auto located = match.map("path");
  if (!located) return;
  Fields fields(*located->node, located->path, input.report);
  static constexpr std::array<std::string_view, 3> kTypes{"PathPrefix", "Exact",
                                                          "RegularExpression"};
  static constexpr std::array<Kind, 3> kKinds{Kind::kSegments, Kind::kExact, Kind::kRegex};
  const auto type = read_choice(fields, "type", kTypes).value_or(0);
  const auto value = fields.text("value");
  fields.finish();
  std::string text = value ? value->value : "/";
  if (type != 2 && !text.starts_with('/')) {
    input.report.error(value->mark, value->path, "bad_value",
                       fmt::format("`{}` is not a path", text), "begin it with `/`");
    return;
  }
  if (type == 2) {
    if (!value) return fields.missing("value", "add the expression");
    check_regex(input, *value);
  }
  if (type == 0) {
    while (text.ends_with('/')) text.pop_back();
    if (text.empty()) return;  // every path begins with "/"
  }
  out.uri = model::StringMatch{kKinds[type], std::move(text)};
}

std::vector<model::NamedMatch> read_named(const DecodeInput& input, Fields& match,
                                          std::string_view list, bool headers) {
  std::vector<model::NamedMatch> out;
  for (const Located& located : match.list(list)) {
    Fields fields(*located.node, located.path, input.report);
    static constexpr std::array<std::string_view, 2> kTypes{"Exact", "RegularExpression"};
    const bool regex = read_choice(fields, "type", kTypes).value_or(0) == 1;
    const Text name = fields.required_text("name");
    const Text value = fields.required_text("value");
    fields.finish();
    if (regex) check_regex(input, value);
    const std::string key = headers ? to_lower(name.value) : name.value;
    // The API: of several with one name the first counts.
    const bool twice = std::any_of(out.begin(), out.end(),
                                   [&](const model::NamedMatch& each) { return each.name == key; });
    if (!twice) out.push_back({key, {regex ? Kind::kRegex : Kind::kExact, value.value}});
  }
  return out;
}

void read_matches(const DecodeInput& input, Fields& rule, ApiRule& out) {
  for (const Located& located : rule.list("matches")) {
    Fields fields(*located.node, located.path, input.report);
    model::RouteMatch match;
    match.origin = input.origin(located.key, located.path);
    read_path(input, fields, match);
    match.headers = read_named(input, fields, "headers", true);
    match.query_params = read_named(input, fields, "queryParams", false);
    static constexpr std::array<std::string_view, 9> kMethods{
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};
    if (const auto method = read_choice(fields, "method", kMethods)) {
      match.method.emplace(model::StringMatch{Kind::kExact, std::string(kMethods[*method])});
    }
    fields.finish();
    out.matches.push_back(std::move(match));
  }
  if (out.matches.empty()) {
    model::RouteMatch all;
    all.origin = out.route.origin;
    out.matches.push_back(std::move(all));
  }
}

std::optional<Milliseconds> read_timeout(Fields& fields, std::string_view name) {
  const auto out = read_duration(fields, name, Milliseconds{0});
  return out == Milliseconds{0} ? std::nullopt : out;  // 0 is how the API switches it off
}

void read_retry(const DecodeInput& input, Fields& rule, std::optional<Milliseconds> each_try,
                model::Route& out) {
  using Policy = model::RetryPolicy;
  const auto located = rule.map("retry");
  if (!located) {
    if (!each_try) return;
    out.retries.emplace();
    out.retries->per_try_timeout = each_try;
    return;
  }
  Fields fields(*located->node, located->path, input.report);
  Policy policy;
  policy.conditions = Policy::kConnectFailure | Policy::kRefusedStream | Policy::kReset;
  policy.per_try_timeout = each_try;
  for (const Located& code : fields.list("codes")) {
    const Node& node = *code.node;
    const bool number = node.kind == Node::Kind::kScalar && node.type() == Node::Type::kInteger &&
                        node.scalar.size() == 3 && (node.scalar[0] == '4' || node.scalar[0] == '5');
    if (!number) {
      input.report.error(node.mark, code.path, "bad_value",
                         fmt::format("`{}` is no status to try again on", node.scalar),
                         "write a number from 400 to 599");
      continue;
    }
    policy.conditions |= Policy::kRetriableStatusCodes;
    policy.statuses.push_back(static_cast<std::uint16_t>(std::stoi(node.scalar)));
  }
  policy.attempts = static_cast<std::uint32_t>(fields.integer("attempts", 0, 1000).value_or(1));
  if (const auto backoff = read_duration(fields, "backoff")) policy.backoff = *backoff;
  fields.finish();
  out.retries.emplace(std::move(policy));
}

void read_times(const DecodeInput& input, Fields& rule, model::Route& out) {
  std::optional<Milliseconds> each_try;
  if (const auto located = rule.map("timeouts")) {
    Fields fields(*located->node, located->path, input.report);
    out.timeout = read_timeout(fields, "request");
    each_try = read_timeout(fields, "backendRequest");
    if (out.timeout && each_try && *each_try > *out.timeout) {
      input.report.error(located->key, located->path + ".backendRequest", "conflicting_fields",
                         "it is longer than `request`", "write at most that");
    }
    fields.finish();
  }
  read_retry(input, rule, each_try, out);
}

ApiRule read_rule(const DecodeInput& input, const Located& located) {
  Fields fields(*located.node, located.path, input.report);
  ApiRule out;
  out.route.origin = input.origin(located.key, located.path);
  if (const auto name = fields.text("name")) out.route.name = name->value;
  read_matches(input, fields, out);
  read_rule_filters(input, fields, out);
  for (const Located& item : fields.list("backendRefs")) {
    Fields backend(*item.node, item.path, input.report);
    BackendReference reference = read_backend(input, backend, item);
    read_backend_filters(input, backend, reference, out);
    backend.finish();
    out.backends.push_back(std::move(reference));
  }
  read_times(input, fields, out.route);
  if (const auto session = fields.get("sessionPersistence")) {
    input.report.unsupported(session->key, session->path,
                             "requests of a session go to any endpoint; a DestinationRule with "
                             "`consistentHash` and `httpCookie` keeps them on one");
  }
  if (out.route.redirect && !out.backends.empty()) {
    input.report.error(located.key, located.path + ".backendRefs", "conflicting_fields",
                       "a rule that redirects sends nothing to backends", "remove one of them");
  }
  fields.finish();
  return out;
}

}  // namespace

ApiRouteSpec decode_api_http_route(const DecodeInput& input) {
  Fields spec = spec_fields(input);
  ApiRouteSpec out = read_route_frame(input, spec);
  for (const Text& text : spec.texts("hostnames")) {
    out.hostnames.push_back(read_hostname(input, text));
  }
  for (const Located& located : spec.list("rules")) out.rules.push_back(read_rule(input, located));
  if (out.rules.empty()) {
    // The API's default: one rule that matches everything, and no backend to send it to.
    ApiRule rule;
    rule.route.origin = input.meta.origin;
    rule.matches.emplace_back().origin = input.meta.origin;
    out.rules.push_back(std::move(rule));
  }
  spec.finish();
  return out;
}

}  // namespace sluice::config
