// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/action/cors.hpp"

#include <algorithm>

#include "agent/http/syntax.hpp"

namespace sluice::routing {
namespace {

using Kind = model::StringMatch::Kind;

std::string list(const std::vector<std::string>& elements) {
  std::string out;
  for (const std::string& element : elements) {
    if (!http::is_field_value(element)) continue;
    if (!out.empty()) out.append(", ");
    out.append(element);
  }
  return out;
}

void add_unless_empty(std::string_view name, std::string_view value, http::HeaderMap& headers) {
  if (!value.empty()) headers.set(name, value);
}

}  // namespace

Result<Cors> Cors::compile(const model::Cors& cors, RegexPool& pool) {
  Cors out;
  for (const model::StringMatch& match : cors.allow_origins) {
    Origin origin{match, nullptr};
    if (match.kind == Kind::kRegex) {
      auto regex = pool.get(match.value);
      if (!regex) return tl::unexpected(std::move(regex).error());
      origin.regex = std::move(*regex);
    }
    out.any_origin_ |=
        match.kind == Kind::kPresent || (match.kind == Kind::kExact && match.value == "*");
    out.origins_.push_back(std::move(origin));
  }
  out.methods_ = list(cors.allow_methods);
  out.headers_ = list(cors.allow_headers);
  out.exposed_ = list(cors.expose_headers);
  if (cors.max_age_seconds) out.max_age_ = std::to_string(*cors.max_age_seconds);
  out.credentials_ = cors.allow_credentials.value_or(false);
  out.ignores_unmatched_ = cors.unmatched_preflights == model::Cors::Unmatched::kIgnore;
  return out;
}

bool Cors::allows(std::string_view origin) const {
  if (origin.empty()) return false;
  if (any_origin_) return true;
  return std::ranges::any_of(origins_, [origin](const Origin& allowed) {
    switch (allowed.match.kind) {
      case Kind::kExact:
        return origin == allowed.match.value;
      case Kind::kPrefix:
      case Kind::kSegments:
        return origin.starts_with(allowed.match.value);
      case Kind::kRegex:
        return allowed.regex->matches(origin);
      case Kind::kPresent:
        break;
    }
    return true;
  });
}

Cors::Verdict Cors::judge(const http::RequestHead& head) const {
  if (head.method != "OPTIONS") return Verdict::kForward;
  const auto origin = head.headers.get("Origin");
  const auto asked = head.headers.get("Access-Control-Request-Method");
  if (!origin || origin->empty() || !asked || asked->empty()) return Verdict::kForward;
  if (allows(*origin)) return Verdict::kPreflight;
  return ignores_unmatched_ ? Verdict::kRefusedPreflight : Verdict::kForward;
}

void Cors::add_origin(std::string_view origin, http::HeaderMap& headers) const {
  // The origin itself, also where any is allowed: "*" is not taken together with credentials.
  headers.set("Access-Control-Allow-Origin", origin);
  if (credentials_) headers.set("Access-Control-Allow-Credentials", "true");
}

void Cors::add_preflight_fields(std::string_view origin, const http::RequestHead& head,
                                http::HeaderMap& headers) const {
  const auto named = [&](std::string_view listed, std::string_view asked) {
    return listed == "*" && credentials_ ? head.headers.get(asked).value_or("") : listed;
  };
  add_origin(origin, headers);
  add_unless_empty("Access-Control-Allow-Methods", named(methods_, "Access-Control-Request-Method"),
                   headers);
  add_unless_empty("Access-Control-Allow-Headers",
                   named(headers_, "Access-Control-Request-Headers"), headers);
  add_unless_empty("Access-Control-Expose-Headers", exposed_, headers);
  add_unless_empty("Access-Control-Max-Age", max_age_, headers);
  headers.set("Vary", "Origin");
}

void Cors::add_answer_fields(std::string_view origin, http::HeaderMap& headers) const {
  if (allows(origin)) {
    add_origin(origin, headers);
    add_unless_empty("Access-Control-Expose-Headers", exposed_, headers);
  }
  if (!headers.has_token("Vary", "Origin") && !headers.has_token("Vary", "*")) {
    headers.add("Vary", "Origin");
  }
}

}  // namespace sluice::routing
