// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/http_route.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "agent/config/translate/duration.hpp"
#include "agent/config/translate/http_answer.hpp"
#include "agent/config/translate/http_cors.hpp"
#include "agent/config/translate/http_destination.hpp"
#include "agent/config/translate/http_fault.hpp"
#include "agent/config/translate/http_headers.hpp"
#include "agent/config/translate/http_match.hpp"
#include "agent/config/translate/http_retries.hpp"
#include "agent/config/translate/weights.hpp"
#include "agent/model/header_template.hpp"

namespace sluice::config {
namespace {

Mark mark_of(const model::Origin& origin) { return {origin.line, origin.column}; }

void read_matches(const DecodeInput& input, Fields& fields, HttpRouteSpec& out) {
  const auto matches = fields.list("match");
  out.matches_all = matches.empty();
  out.matches.reserve(matches.size());
  for (const Located& located : matches) {
    if (auto match = read_http_match(input, located)) out.matches.push_back(std::move(*match));
  }
}

// Fields that answer or forward in place of each other. The first that is written counts as the route's purpose, and
// what cannot stand beside it is reported.
void check_purpose(const DecodeInput& input, Fields& fields) {
  static constexpr std::array<std::string_view, 4> kPurposes{"delegate", "redirect",
                                                             "directResponse", "route"};
  std::vector<Located> written;
  for (const std::string_view name : kPurposes) {
    if (auto located = fields.get(name)) written.push_back(std::move(*located));
  }
  if (written.empty()) {
    fields.missing("route", "add `route:` with `- destination:`");
    return;
  }
  const auto name_of = [&](const Located& located) {
    return std::string_view(located.path).substr(fields.path().size() + 1);
  };
  const auto conflict = [&](const Located& with) {
    input.report.error(
        with.key, with.path, "conflicting_fields",
        fmt::format("`{}` and `{}` exclude each other", name_of(written.front()), name_of(with)),
        "write one of them, or two routes");
  };
  for (std::size_t i = 1; i < written.size(); ++i) conflict(written[i]);
  const std::string_view purpose = name_of(written.front());
  if (purpose != "redirect" && purpose != "directResponse") return;
  for (const std::string_view name : {"fault", "rewrite"}) {
    if (const auto located = fields.get(name)) conflict(*located);
  }
}

// Istio has three places for a new authority: rewrite.authority, and a request header `host` that is set for the route
// or for one destination. The first two exclude each other, and each of them wins over the third.
void check_authorities(const DecodeInput& input, HttpRouteSpec& out) {
  const model::Route& route = out.route;
  const bool rewritten = route.rewrite && route.rewrite->authority;
  const bool set = route.headers && authority_of(*route.headers) != nullptr;
  if (rewritten && set) {
    input.report.error(mark_of(route.origin), route.origin.path.str() + ".headers.request.set",
                       "conflicting_fields", "the route's `rewrite` already sets the authority",
                       "write it once");
  }
  if (!rewritten && !set) return;
  for (DestinationSpec& destination : out.destinations) {
    if (!destination.headers || authority_of(*destination.headers) == nullptr) continue;
    input.report.unsupported(mark_of(destination.origin),
                             destination.origin.path.str() + ".headers.request.set",
                             "the route sets the authority, and that counts");
    model::HeaderRules rest = *destination.headers;
    std::erase_if(rest.request.set, [](const model::HeaderValue& value) {
      return model::names_authority(value.name);
    });
    destination.headers = std::make_shared<const model::HeaderRules>(std::move(rest));
  }
}

void read_actions(const DecodeInput& input, Fields& fields, HttpRouteSpec& out) {
  model::Route& route = out.route;
  route.redirect = read_redirect(input, fields, out.matches);
  route.direct_response = read_direct_response(input, fields);
  route.rewrite = read_rewrite(input, fields);
  // 0 is how people switch it off.
  route.timeout = read_duration(fields, "timeout", Milliseconds{0});
  if (route.timeout == Milliseconds{0}) route.timeout.reset();
  auto headers = read_headers(input, fields);
  route.retries = read_retries(input, fields, headers ? &*headers : nullptr);
  route.fault = read_fault(input, fields);
  route.cors = read_cors(input, fields);
  if (headers && !headers->empty()) {
    route.headers = std::make_shared<const model::HeaderRules>(std::move(*headers));
  }
  out.mirrors = read_mirrors(input, fields);
}

std::optional<DelegateReference> read_delegate(const DecodeInput& input, Fields& route) {
  const auto located = route.map("delegate");
  if (!located) return std::nullopt;
  Fields fields(*located->node, located->path, input.report);
  DelegateReference out{input.meta.name_space, fields.required_text("name").value,
                        input.origin(located->key, located->path)};
  if (const auto name_space = fields.text("namespace"); name_space && !name_space->value.empty()) {
    out.name_space = name_space->value;
  }
  fields.finish();
  return out;
}

}  // namespace

HttpRouteSpec read_http_route(const DecodeInput& input, const Located& located) {
  Fields fields(*located.node, located.path, input.report);
  HttpRouteSpec out;
  out.route.origin = input.origin(located.key, located.path);
  if (const auto name = fields.text("name")) out.route.name = name->value;
  read_matches(input, fields, out);
  const auto destinations = fields.list("route");
  out.destinations.reserve(destinations.size());
  for (const Located& item : destinations) {
    out.destinations.push_back(read_route_item(input, item, RouteProtocol::kHttp));
  }
  read_actions(input, fields, out);
  check_authorities(input, out);
  out.delegate = read_delegate(input, fields);
  check_purpose(input, fields);
  check_weights(out.destinations, out.route.origin, input.report);
  fields.finish();
  return out;
}

}  // namespace sluice::config
