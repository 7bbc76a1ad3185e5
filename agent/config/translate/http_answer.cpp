// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/http_answer.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "agent/config/translate/base64.hpp"
#include "agent/config/translate/choice.hpp"
#include "agent/config/translate/hosts.hpp"

namespace sluice::config {
namespace {

using model::PathRewrite;

constexpr std::size_t kMaxBody = std::size_t{1} << 20U;

// Visible ASCII: whatever else a path has is written percent-encoded (RFC 3986 2.1).
bool visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

// What stands for a path must begin with one: else it would run into the host before it.
std::optional<Text> read_path(Fields& fields, std::string_view name, bool query) {
  auto text = fields.text(name);
  if (!text || text->value.empty()) return std::nullopt;
  const bool path = text->value.front() == '/' && visible(text->value) &&
                    text->value.find('#') == std::string::npos &&
                    (query || text->value.find('?') == std::string::npos);
  if (path) return text;
  fields.report().error(text->mark, text->path, "bad_value",
                        fmt::format("`{}` is not a path", text->value),
                        query ? "begin it with `/`, without spaces and `#`"
                              : "begin it with `/`, without spaces, `?` and `#`");
  return std::nullopt;
}

bool is_port(std::string_view text) {
  const bool digits =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits && !text.empty() && text.size() <= 5 && std::stoi(std::string(text)) <= 65535;
}

std::optional<std::string> read_authority(const DecodeInput& input, Fields& fields) {
  const auto text = fields.text("authority");
  if (!text || text->value.empty()) return std::nullopt;
  if (!check_authority(input.placed(*text), input.report)) return std::nullopt;
  return text->value;
}

void conflict(Report& report, Mark mark, const std::string& path, std::string_view first,
              std::string_view second) {
  report.error(mark, path, "conflicting_fields",
               fmt::format("`{}` and `{}` exclude each other", first, second), "write one of them");
}

void read_redirect_path(Fields& fields, const std::vector<MatchSpec>& matches,
                        model::Redirect& out) {
  const auto uri = read_path(fields, "uri", true);
  const auto prefix = read_path(fields, "prefixRewrite", true);
  if (uri && prefix) {
    conflict(fields.report(), prefix->mark, prefix->path, "uri", "prefixRewrite");
  } else if (uri) {
    out.path = PathRewrite{PathRewrite::Kind::kWhole, uri->value};
  } else if (prefix) {
    out.path = PathRewrite{PathRewrite::Kind::kPrefix, prefix->value};
    const bool all = std::all_of(matches.begin(), matches.end(), [](const MatchSpec& spec) {
      return !spec.match.uri || spec.match.uri->kind == model::StringMatch::Kind::kPrefix;
    });
    if (all) return;
    fields.report().error(prefix->mark, prefix->path, "conflicting_fields",
                          "it replaces the prefix that matched, and not every match of the route "
                          "has `uri` with `prefix`",
                          "match on prefixes, or write `uri:` for a whole new path");
  }
}

void read_redirect_port(Fields& fields, model::Redirect& out) {
  static constexpr std::array<std::string_view, 2> kDerived{"FROM_PROTOCOL_DEFAULT",
                                                            "FROM_REQUEST_PORT"};
  const auto port = fields.port("port");
  const auto derived = read_choice(fields, "derivePort", kDerived);
  const auto located = fields.get("derivePort");
  if (port && located) {
    conflict(fields.report(), located->key, located->path, "port", "derivePort");
  } else if (port) {
    out.port_from = model::Redirect::Port::kFixed;
    out.port = *port;
  } else if (derived) {
    out.port_from = *derived == 0 ? model::Redirect::Port::kProtocolDefault
                                  : model::Redirect::Port::kRequestPort;
  }
}

void read_redirect_code(Fields& fields, model::Redirect& out) {
  const auto located = fields.get("redirectCode");
  const auto code = fields.integer("redirectCode", 0, 999);
  if (!code || *code == 0) return;
  out.status = static_cast<std::uint16_t>(*code);
  // RFC 9110 15.4: the statuses whose Location a client follows by itself.
  static constexpr std::array<std::int64_t, 5> kCodes{301, 302, 303, 307, 308};
  if (std::find(kCodes.begin(), kCodes.end(), *code) != kCodes.end()) return;
  fields.report().error(located->node->mark, located->path, "bad_value",
                        fmt::format("{} is not a status that redirects", *code),
                        "write 301, 302, 303, 307 or 308");
}

// The one of `string` and `bytes` that is given.
std::optional<std::string> read_body(Fields& response) {
  const auto located = response.map("body");
  if (!located) return std::nullopt;
  Fields body(*located->node, located->path, response.report());
  const auto string = body.text("string");
  const auto bytes = body.text("bytes");
  body.finish();
  if (string && bytes) {
    conflict(body.report(), bytes->mark, bytes->path, "string", "bytes");
    return std::nullopt;
  }
  if (string) return string->value;
  if (!bytes) return std::nullopt;
  auto decoded = decode_base64(bytes->value);
  if (!decoded) {
    body.report().error(bytes->mark, bytes->path, "bad_value", "it is not base64",
                        "write `string:` for plain text");
  }
  return decoded;
}

}  // namespace

bool check_authority(const PlacedText& authority, Report& report) {
  std::string host = to_lower(authority.value);
  const auto colon = host.rfind(':');
  const auto bracket = host.rfind(']');
  bool good = true;
  if (colon != std::string::npos && (bracket == std::string::npos || colon > bracket)) {
    good = is_port(std::string_view(host).substr(colon + 1));
    host.resize(colon);
  }
  const bool v6 = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (v6) host = host.substr(1, host.size() - 2);
  good = good && !is_wildcard(host) && valid_host(host) && (host.find(':') != host.npos) == v6;
  if (good) return true;
  report.error({authority.origin.line, authority.origin.column}, authority.origin.path, "bad_host",
               fmt::format("`{}` cannot stand in a Host field", authority.value),
               "write a host name, with `:port` if needed, without scheme or path");
  return false;
}

std::optional<model::Redirect> read_redirect(const DecodeInput& input, Fields& route,
                                             const std::vector<MatchSpec>& matches) {
  const auto located = route.map("redirect");
  if (!located) return std::nullopt;
  Fields fields(*located->node, located->path, input.report);
  model::Redirect out;
  read_redirect_path(fields, matches, out);
  out.authority = read_authority(input, fields);
  read_redirect_port(fields, out);
  static constexpr std::array<std::string_view, 2> kSchemes{"http", "https"};
  if (const auto scheme = read_choice(fields, "scheme", kSchemes)) {
    out.scheme = kSchemes[*scheme];
  }
  read_redirect_code(fields, out);
  fields.finish();
  if (!input.report.failed() && !out.path && !out.authority && !out.scheme &&
      out.port_from == model::Redirect::Port::kKeep) {
    fields.missing("uri",
                   "add `uri`, `prefixRewrite`, `authority`, `scheme` or `port`: it would "
                   "send clients where they are");
  }
  return out;
}

std::optional<model::DirectResponse> read_direct_response(const DecodeInput& input, Fields& route) {
  const auto located = route.map("directResponse");
  if (!located) return std::nullopt;
  Fields fields(*located->node, located->path, input.report);
  model::DirectResponse out;
  const auto status = fields.integer("status", 200, 599);
  if (!status && !fields.get("status")) fields.missing("status", "add `status: 200`");
  out.status = static_cast<std::uint16_t>(status.value_or(200));
  if (auto body = read_body(fields)) out.body = std::move(*body);
  fields.finish();
  if (out.body.size() > kMaxBody) {
    input.report.error(located->key, located->path + ".body", "out_of_range",
                       fmt::format("a body of {} bytes is too long", out.body.size()),
                       "at most 1 MiB; let a Service answer with more");
  }
  return out;
}

std::optional<model::Rewrite> read_rewrite(const DecodeInput& input, Fields& route) {
  const auto located = route.map("rewrite");
  if (!located) return std::nullopt;
  Fields fields(*located->node, located->path, input.report);
  model::Rewrite out;
  if (const auto uri = read_path(fields, "uri", false)) {
    // Of a match without a prefix there is nothing to keep: the data path then replaces the whole path.
    out.path = PathRewrite{PathRewrite::Kind::kPrefix, uri->value};
  }
  out.authority = read_authority(input, fields);
  if (const auto regex = fields.map("uriRegexRewrite")) {
    Fields inner(*regex->node, regex->path, input.report);
    const Text pattern = inner.required_text("match");
    const Text substitution = inner.required_text("rewrite");
    inner.finish();
    out.regex = model::RegexRewrite{pattern.value, substitution.value};
    if (out.path) conflict(input.report, regex->key, regex->path, "uri", "uriRegexRewrite");
    auto wrong =
        input.check_regex.expression ? input.check_regex.expression(pattern.value) : std::nullopt;
    if (!wrong && input.check_regex.rewrite) {
      wrong = input.check_regex.rewrite(pattern.value, substitution.value);
    }
    if (wrong) {
      input.report.error(pattern.mark, regex->path, "bad_regex",
                         fmt::format("the path cannot be rewritten: {}", *wrong),
                         "the syntax is RE2; `\\1` names the first group in `rewrite`");
    }
  }
  fields.finish();
  if (!input.report.failed() && out == model::Rewrite{}) {
    fields.missing("uri", "add `uri`, `uriRegexRewrite` or `authority`: it would change nothing");
  }
  return out;
}

}  // namespace sluice::config
