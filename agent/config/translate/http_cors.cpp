// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/http_cors.hpp"

#include <fmt/core.h>

#include <array>

#include "agent/config/translate/choice.hpp"
#include "agent/config/translate/duration.hpp"
#include "agent/config/translate/http_match.hpp"
#include "agent/config/translate/token.hpp"

namespace sluice::config {
namespace {

using model::StringMatch;

// "*" is not the origin of that name, but any.
StringMatch origin_match(StringMatch match) {
  if (match.kind == StringMatch::Kind::kExact && match.value == "*") {
    return {StringMatch::Kind::kPresent, {}};
  }
  return match;
}

void read_origins(const DecodeInput& input, Fields& fields, model::Cors& out) {
  for (const Located& located : fields.list("allowOrigins")) {
    auto match = read_string_match(input, located, false);
    if (!match) continue;
    if (match->value.empty()) {
      input.report.error(located.key, located.path, "bad_match", "an empty text is not an origin",
                         "write `https://example.com` or `*`");
    }
    out.allow_origins.push_back(origin_match(std::move(*match)));
  }
  const auto old = fields.texts("allowOrigin");
  if (!fields.list("allowOrigins").empty()) {
    // As in Istio, the newer field alone counts.
    if (!old.empty()) {
      input.report.warning(old.front().mark, old.front().path, "no_effect",
                           "`allowOrigins` is written too, and it alone counts",
                           "move the origins there, as `exact:`");
    }
    return;
  }
  for (const Text& text : old) {
    out.allow_origins.push_back(origin_match({StringMatch::Kind::kExact, text.value}));
  }
}

// Names of methods or headers, or `*`: tokens all (RFC 9110 5.1, 9.1).
std::vector<std::string> read_names(const DecodeInput& input, Fields& fields, std::string_view name,
                                    const char* what) {
  std::vector<std::string> out;
  for (const Text& text : fields.texts(name)) {
    if (!is_token(text.value)) {
      input.report.error(text.mark, text.path, "bad_value",
                         fmt::format("`{}` is not the name of a {}", text.value, what),
                         "write one name an item");
      continue;
    }
    out.push_back(text.value);
  }
  return out;
}

void read_max_age(const DecodeInput& input, Fields& fields, model::Cors& out) {
  const auto age = read_duration(fields, "maxAge", Milliseconds{0});
  if (!age) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*age);
  out.max_age_seconds = static_cast<std::uint32_t>(seconds.count());
  if (seconds == *age) return;
  const auto located = fields.get("maxAge");
  input.report.error(located->node->mark, located->path, "out_of_range",
                     fmt::format("{} is not in whole seconds", located->node->scalar),
                     "Access-Control-Max-Age counts seconds");
}

}  // namespace

std::optional<model::Cors> read_cors(const DecodeInput& input, Fields& route) {
  const auto located = route.map("corsPolicy");
  if (!located) return std::nullopt;
  Fields fields(*located->node, located->path, input.report);
  model::Cors out;
  read_origins(input, fields, out);
  out.allow_methods = read_names(input, fields, "allowMethods", "method");
  out.allow_headers = read_names(input, fields, "allowHeaders", "header");
  out.expose_headers = read_names(input, fields, "exposeHeaders", "header");
  read_max_age(input, fields, out);
  out.allow_credentials = fields.boolean("allowCredentials");
  static constexpr std::array<std::string_view, 3> kUnmatched{"UNSPECIFIED", "FORWARD", "IGNORE"};
  if (read_choice(fields, "unmatchedPreflights", kUnmatched).value_or(0) == 2) {
    out.unmatched_preflights = model::Cors::Unmatched::kIgnore;
  }
  fields.finish();
  return out;
}

}  // namespace sluice::config
