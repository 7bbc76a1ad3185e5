// SPDX-License-Identifier: Apache-2.0
#include "agent/app/action_text.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "agent/app/duration_text.hpp"
#include "agent/model/header_template.hpp"

namespace sluice::app {
namespace {

std::string percent(model::Fraction share) {
  return fmt::format("{:g} %", share.millionths * 100.0 / model::Fraction::kWhole);
}

std::string text_of(const model::StringMatch& match) {
  switch (match.kind) {
    case model::StringMatch::Kind::kExact:
      return match.value;
    case model::StringMatch::Kind::kPrefix:
    case model::StringMatch::Kind::kSegments:
      return match.value + "...";
    case model::StringMatch::Kind::kRegex:
      return "regex " + match.value;
    case model::StringMatch::Kind::kPresent:
      return "any";
  }
  return {};
}

std::string text_of(const model::Cors& cors) {
  std::vector<std::string> parts;
  std::vector<std::string> origins;
  for (const auto& origin : cors.allow_origins) origins.push_back(text_of(origin));
  parts.push_back(origins.empty() ? "no origin"
                                  : fmt::format("origins {}", fmt::join(origins, ", ")));
  const auto add = [&](const char* name, const std::vector<std::string>& values) {
    if (!values.empty()) parts.push_back(fmt::format("{} {}", name, fmt::join(values, ", ")));
  };
  add("methods", cors.allow_methods);
  add("headers", cors.allow_headers);
  add("exposed", cors.expose_headers);
  if (cors.max_age_seconds) parts.push_back(fmt::format("kept {} s", *cors.max_age_seconds));
  if (cors.allow_credentials.value_or(false)) parts.emplace_back("with credentials");
  if (cors.unmatched_preflights == model::Cors::Unmatched::kIgnore) {
    parts.emplace_back("other preflights answered here");
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::string text_of(const model::Fault& fault) {
  std::vector<std::string> parts;
  if (fault.delay) {
    parts.push_back(fmt::format("delay of {} for {}", duration_text(fault.delay->duration),
                                percent(fault.delay->share)));
  }
  if (fault.abort) {
    const std::string status = fault.abort->grpc_status
                                   ? fmt::format("grpc-status {}", *fault.abort->grpc_status)
                                   : std::to_string(fault.abort->status);
    parts.push_back(fmt::format("abort with {} for {}", status, percent(fault.abort->share)));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string text_of(const model::PathRewrite& path) {
  constexpr std::array<const char*, 3> kKinds{"path", "prefix", "prefix of segments"};
  return fmt::format("{} -> {}", kKinds.at(static_cast<std::size_t>(path.kind)), path.text);
}

std::string text_of(const model::Redirect& redirect) {
  std::vector<std::string> parts{std::to_string(redirect.status)};
  if (redirect.scheme) parts.push_back("scheme -> " + *redirect.scheme);
  if (redirect.authority) parts.push_back("authority -> " + *redirect.authority);
  if (redirect.port_from == model::Redirect::Port::kFixed) {
    parts.push_back(fmt::format("port -> {}", redirect.port));
  }
  if (redirect.path) parts.push_back(text_of(*redirect.path));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string text_of(const model::DirectResponse& response) {
  if (response.body.empty()) return fmt::format("{} without a body", response.status);
  return fmt::format("{} with {} bytes of {}", response.status, response.body.size(),
                     response.content_type);
}

std::string text_of(const model::Rewrite& rewrite) {
  std::vector<std::string> parts;
  if (rewrite.path) parts.push_back(text_of(*rewrite.path));
  if (rewrite.regex) {
    parts.push_back(
        fmt::format("regex {} -> {}", rewrite.regex->pattern, rewrite.regex->substitution));
  }
  if (rewrite.authority) parts.push_back("authority -> " + *rewrite.authority);
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string text_of(const model::HeaderChanges& changes) {
  std::vector<std::string> parts;
  for (const std::string& name : changes.remove) parts.push_back("remove " + name);
  for (const auto& each : changes.set) {
    parts.push_back(fmt::format("set {}: {}", each.name, model::to_text(each.value)));
  }
  for (const auto& each : changes.add) {
    parts.push_back(fmt::format("add {}: {}", each.name, model::to_text(each.value)));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

void add_headers(const model::HeaderRulesPtr& rules, const std::string& lead,
                 const model::Origin& origin, std::vector<ActionText>& out) {
  if (!rules) return;
  if (!rules->request.empty()) {
    out.push_back({"headers", lead + "request: " + text_of(rules->request), origin});
  }
  if (!rules->response.empty()) {
    out.push_back({"headers", lead + "answer: " + text_of(rules->response), origin});
  }
}

}  // namespace

std::string describe(const model::RetryPolicy& retries) {
  if (retries.attempts == 0) return "none";
  constexpr std::array<std::string_view, 15> kConditions{"5xx",
                                                         "gateway-error",
                                                         "reset",
                                                         "connect-failure",
                                                         "retriable-4xx",
                                                         "refused-stream",
                                                         "",  // its statuses are listed
                                                         "reset-before-request",
                                                         "",  // its headers are listed
                                                         "cancelled",
                                                         "deadline-exceeded",
                                                         "internal",
                                                         "resource-exhausted",
                                                         "unavailable",
                                                         "unsafe methods too"};
  std::vector<std::string> conditions;
  for (std::size_t bit = 0; bit < kConditions.size(); ++bit) {
    const bool set = (retries.conditions & (1U << bit)) != 0;
    if (set && !kConditions.at(bit).empty()) conditions.emplace_back(kConditions.at(bit));
  }
  for (const std::uint16_t status : retries.statuses) {
    conditions.push_back(std::to_string(status));
  }
  for (const std::string& header : retries.headers) conditions.push_back("header " + header);
  std::string out =
      fmt::format("{} on {}", retries.attempts,
                  conditions.empty() ? "nothing" : fmt::format("{}", fmt::join(conditions, ", ")));
  if (retries.per_try_timeout) {
    out += fmt::format("; each within {}", duration_text(*retries.per_try_timeout));
  }
  return out + fmt::format("; backoff {}", duration_text(retries.backoff)) +
         (retries.ignore_previous_hosts ? "" : "; at the same endpoints too") +
         (retries.other_localities ? "; in other localities" : "");
}

std::vector<ActionText> describe_actions(const model::Route& route) {
  std::vector<ActionText> out;
  const auto add = [&](const char* name, std::string text) {
    out.push_back({name, std::move(text), route.origin});
  };
  if (route.cors) add("cors", text_of(*route.cors));
  if (route.fault) add("fault", text_of(*route.fault));
  if (route.redirect) add("redirect", text_of(*route.redirect));
  if (route.direct_response) add("answer", text_of(*route.direct_response));
  if (route.rewrite) add("rewrite", text_of(*route.rewrite));
  add_headers(route.headers, "", route.origin, out);
  for (const auto& to : route.destinations) {
    add_headers(to.headers, "to " + to.cluster + ", ", to.origin, out);
  }
  if (route.timeout) add("timeout", duration_text(*route.timeout));
  if (route.retries) add("retries", describe(*route.retries));
  for (const model::Mirror& mirror : route.mirrors) {
    out.push_back({"mirror", percent(mirror.share) + " to " + mirror.cluster, mirror.origin});
  }
  return out;
}

}  // namespace sluice::app
