// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/gateway_api/http_filters.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "agent/config/translate/choice.hpp"
#include "agent/config/translate/http_answer.hpp"
#include "agent/config/translate/token.hpp"
#include "agent/model/header_template.hpp"

namespace sluice::config {
namespace {

void set_problem(ApiRule& rule, const char* reason, std::string message) {
  if (!rule.problem) rule.problem = Judgement{reason, std::move(message)};
}

class HeaderReader {
 public:
  HeaderReader(const DecodeInput& input, bool request) : input_(input), request_(request) {}

  void read(const Located& located, model::HeaderChanges& out) {
    Fields fields(*located.node, located.path, input_.report);
    read_values(fields, "set", out.set);
    read_values(fields, "add", out.add);
    for (const Text& text : fields.texts("remove")) {
      if (usable(text, false)) out.remove.push_back(text.value);
    }
    fields.finish();
  }

 private:
  void read_values(Fields& fields, std::string_view name, std::vector<model::HeaderValue>& out) {
    for (const Located& located : fields.list(name)) {
      Fields item(*located.node, located.path, input_.report);
      const Text header = item.required_text("name");
      const Text value = item.required_text("value");
      item.finish();
      if (header.value.empty() || !usable(header, name == "set")) continue;
      // Values of the API are plain text: a percent sign in them begins no variable.
      std::string escaped;
      for (const char c : value.value) escaped.append(c == '%' ? 2 : 1, c);
      auto pieces = model::parse_header_value(escaped);
      if (!pieces) {
        input_.report.error(value.mark, value.path, "bad_header", pieces.error().message);
        continue;
      }
      out.push_back({header.value, std::move(*pieces)});
    }
  }

  bool usable(const Text& name, bool set) {
    if (model::names_authority(name.value) && !(set && request_)) {
      input_.report.error(name.mark, name.path, "bad_header",
                          fmt::format("`{}` can only be set, and only in requests", name.value),
                          "write `set:` with it, or `urlRewrite` with `hostname`");
      return false;
    }
    const auto wrong = model::check_header_name(name.value);
    if (!wrong) return true;
    if (is_token(name.value)) {
      input_.report.unsupported(name.mark, name.path, *wrong);
    } else {
      input_.report.error(name.mark, name.path, "bad_header", *wrong);
    }
    return false;
  }

  const DecodeInput& input_;
  bool request_;
};

std::optional<model::PathRewrite> read_path(Fields& fields) {
  const auto located = fields.map("path");
  if (!located) return std::nullopt;
  Fields path(*located->node, located->path, fields.report());
  static constexpr std::array<std::string_view, 2> kTypes{"ReplaceFullPath", "ReplacePrefixMatch"};
  const auto type = read_choice(path, "type", kTypes);
  if (!path.get("type")) path.missing("type", "add `type: ReplacePrefixMatch`");
  const auto full = path.text("replaceFullPath");
  const auto prefix = path.text("replacePrefixMatch");
  path.finish();
  if (!type) return std::nullopt;
  const auto& text = *type == 0 ? full : prefix;
  if (!text) {
    path.missing(*type == 0 ? "replaceFullPath" : "replacePrefixMatch", "it goes with the type");
    return std::nullopt;
  }
  return model::PathRewrite{
      *type == 0 ? model::PathRewrite::Kind::kWhole : model::PathRewrite::Kind::kPrefixSegments,
      text->value};
}

std::optional<std::string> read_authority(const DecodeInput& input, Fields& fields) {
  const auto host = fields.text("hostname");
  if (!host) return std::nullopt;
  if (!check_authority(input.placed(*host), input.report)) return std::nullopt;
  return host->value;
}

void read_redirect(const DecodeInput& input, const Located& located, ApiRule& out) {
  using Port = model::Redirect::Port;
  Fields fields(*located.node, located.path, input.report);
  model::Redirect redirect;
  redirect.status = 302;
  static constexpr std::array<std::string_view, 2> kSchemes{"http", "https"};
  if (const auto scheme = read_choice(fields, "scheme", kSchemes)) {
    redirect.scheme = kSchemes[*scheme];
  }
  redirect.authority = read_authority(input, fields);
  redirect.path = read_path(fields);
  if (const auto port = fields.port("port")) {
    redirect.port_from = Port::kFixed;
    redirect.port = *port;
  } else {
    redirect.port_from = redirect.scheme ? Port::kProtocolDefault : Port::kRequestPort;
  }
  if (const auto status = fields.integer("statusCode", 300, 399)) {
    static constexpr std::array<std::int64_t, 5> kStatuses{301, 302, 303, 307, 308};
    redirect.status = static_cast<std::uint16_t>(*status);
    if (std::find(kStatuses.begin(), kStatuses.end(), *status) == kStatuses.end()) {
      const auto where = fields.get("statusCode");
      input.report.error(where->node->mark, where->path, "bad_value",
                         fmt::format("{} does not redirect", *status),
                         "write 301, 302, 303, 307 or 308");
    }
  }
  fields.finish();
  out.route.redirect.emplace(std::move(redirect));
}

void read_rewrite(const DecodeInput& input, const Located& located, ApiRule& out) {
  Fields fields(*located.node, located.path, input.report);
  model::Rewrite rewrite;
  rewrite.authority = read_authority(input, fields);
  rewrite.path = read_path(fields);
  fields.finish();
  if (rewrite.authority || rewrite.path) out.route.rewrite.emplace(std::move(rewrite));
}

// `percent` or `fraction`; all without either.
model::Fraction read_share(Fields& fields) {
  model::Fraction out;
  if (const auto percent = fields.integer("percent", 0, 100)) {
    out.millionths = static_cast<std::uint32_t>(*percent) * 10'000;
  }
  if (const auto located = fields.map("fraction")) {
    Fields fraction(*located->node, located->path, fields.report());
    constexpr std::int64_t kMost = 0x7fffffff;
    const auto numerator = fraction.integer("numerator", 0, kMost);
    const auto denominator = fraction.integer("denominator", 1, kMost).value_or(100);
    if (!numerator) fraction.missing("numerator", "add `numerator: 1`");
    if (numerator.value_or(0) > denominator) {
      fields.report().error(located->key, located->path, "out_of_range",
                            "the numerator is larger than the denominator");
    } else {
      out.millionths =
          static_cast<std::uint32_t>(numerator.value_or(0) * model::Fraction::kWhole / denominator);
    }
    fraction.finish();
  }
  return out;
}

void read_mirror(const DecodeInput& input, const Located& located, ApiRule& out) {
  Fields fields(*located.node, located.path, input.report);
  ApiRule::Mirror mirror;
  mirror.share = read_share(fields);
  if (const auto backend = fields.map("backendRef")) {
    Fields reference(*backend->node, backend->path, input.report);
    mirror.backend = read_backend(input, reference, *backend);
    reference.finish();
  } else if (!fields.get("backendRef")) {
    fields.missing("backendRef", "add `backendRef:` with the name and port of a Service");
  }
  fields.finish();
  out.mirrors.push_back(std::move(mirror));
}

// "https://*.example.com": the star stands for any text but a slash.
model::StringMatch origin_match(const std::string& text) {
  using Kind = model::StringMatch::Kind;
  if (text == "*") return {Kind::kPresent, {}};
  if (text.find('*') == std::string::npos) return {Kind::kExact, text};
  std::string pattern;
  for (const char c : text) {
    if (c == '*') {
      pattern += "[^/]+";
    } else {
      if (std::string_view("\\.+?()[]{}|^$").find(c) != std::string_view::npos) pattern += '\\';
      pattern += c;
    }
  }
  return {Kind::kRegex, pattern};
}

std::vector<std::string> read_tokens(Fields& fields, std::string_view name) {
  std::vector<std::string> out;
  for (const Text& text : fields.texts(name)) {
    if (is_token(text.value)) {
      out.push_back(text.value);
    } else {
      fields.report().error(text.mark, text.path, "bad_value",
                            fmt::format("`{}` is not the name of a method or header", text.value),
                            "write one name an item");
    }
  }
  return out;
}

void read_cors(const DecodeInput& input, const Located& located, ApiRule& out) {
  Fields fields(*located.node, located.path, input.report);
  model::Cors cors;
  for (const Text& text : fields.texts("allowOrigins")) {
    cors.allow_origins.push_back(origin_match(text.value));
  }
  cors.allow_methods = read_tokens(fields, "allowMethods");
  cors.allow_headers = read_tokens(fields, "allowHeaders");
  cors.expose_headers = read_tokens(fields, "exposeHeaders");
  cors.allow_credentials = fields.boolean("allowCredentials");
  cors.max_age_seconds =
      static_cast<std::uint32_t>(fields.integer("maxAge", 1, 0x7fffffff).value_or(5));
  // The API asks that the Gateway itself answers preflights, also of origins that it does not allow.
  cors.unmatched_preflights = model::Cors::Unmatched::kIgnore;
  fields.finish();
  out.route.cors.emplace(std::move(cors));
}

constexpr std::array<std::string_view, 8> kTypes{"RequestHeaderModifier",
                                                 "ResponseHeaderModifier",
                                                 "RequestMirror",
                                                 "RequestRedirect",
                                                 "URLRewrite",
                                                 "CORS",
                                                 "ExternalAuth",
                                                 "ExtensionRef"};
constexpr std::array<std::string_view, 8> kFields{"requestHeaderModifier",
                                                  "responseHeaderModifier",
                                                  "requestMirror",
                                                  "requestRedirect",
                                                  "urlRewrite",
                                                  "cors",
                                                  "externalAuth",
                                                  "extensionRef"};

struct Filter {
  std::size_t type = 0;  // index into kTypes
  Located value;
};

std::vector<Filter> read_filters(const DecodeInput& input, Fields& parent) {
  std::vector<Filter> out;
  for (const Located& located : parent.list("filters")) {
    Fields fields(*located.node, located.path, input.report);
    const auto type = read_choice(fields, "type", kTypes);
    if (!fields.get("type")) fields.missing("type", "add `type: RequestHeaderModifier`");
    std::optional<Located> value;
    if (type) value = fields.map(kFields[*type]);
    if (type && !value) fields.missing(kFields[*type], "it goes with the type");
    fields.finish();
    if (value) out.push_back({*type, std::move(*value)});
  }
  return out;
}

void report_unbuilt(const DecodeInput& input, const Filter& filter, ApiRule& out) {
  const std::string message = fmt::format("{}: filters of type {} do not exist here",
                                          filter.value.path, kTypes[filter.type]);
  input.report.unsupported(filter.value.key, filter.value.path,
                           "what the rule matches is answered with 500");
  set_problem(out, "UnsupportedValue", message);
}

}  // namespace

void read_rule_filters(const DecodeInput& input, Fields& rule, ApiRule& out) {
  model::HeaderRules headers;
  std::array<int, kTypes.size()> seen{};
  for (const Filter& filter : read_filters(input, rule)) {
    constexpr std::size_t kMirror = 2;
    if (++seen[filter.type] > 1 && filter.type != kMirror) {
      input.report.error(filter.value.key, filter.value.path, "conflicting_fields",
                         fmt::format("the rule already has a {}", kTypes[filter.type]),
                         "write one of each type; only RequestMirror may be repeated");
      continue;
    }
    switch (filter.type) {
      case 0:
        HeaderReader(input, true).read(filter.value, headers.request);
        break;
      case 1:
        HeaderReader(input, false).read(filter.value, headers.response);
        break;
      case kMirror:
        read_mirror(input, filter.value, out);
        break;
      case 3:
        read_redirect(input, filter.value, out);
        break;
      case 4:
        read_rewrite(input, filter.value, out);
        break;
      case 5:
        read_cors(input, filter.value, out);
        break;
      default:
        report_unbuilt(input, filter, out);
    }
  }
  if (out.route.redirect && out.route.rewrite) {
    set_problem(
        out, "IncompatibleFilters",
        out.route.origin.path.str() + ": RequestRedirect and URLRewrite exclude each other");
  }
  if (!headers.empty()) {
    out.route.headers = std::make_shared<const model::HeaderRules>(std::move(headers));
  }
}

void read_backend_filters(const DecodeInput& input, Fields& fields, BackendReference& backend,
                          ApiRule& out) {
  model::HeaderRules headers;
  for (const Filter& filter : read_filters(input, fields)) {
    if (filter.type == 0) {
      HeaderReader(input, true).read(filter.value, headers.request);
    } else if (filter.type == 1) {
      HeaderReader(input, false).read(filter.value, headers.response);
    } else {
      report_unbuilt(input, filter, out);
    }
  }
  if (!headers.empty()) {
    backend.headers = std::make_shared<const model::HeaderRules>(std::move(headers));
  }
}

}  // namespace sluice::config
