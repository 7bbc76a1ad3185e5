// SPDX-License-Identifier: Apache-2.0
#include "tests/golden/config/route_text.hpp"

#include <fmt/format.h>

#include <vector>

namespace sluice::config {
namespace {

constexpr const char* kPieces[] = {
    "",         "REQ",   "RESP",          "CLIENT",           "CLIENT_IP", "LOCAL", "LOCAL_PORT",
    "PROTOCOL", "ROUTE", "UPSTREAM_HOST", "UPSTREAM_CLUSTER", "START",     "CODE",  "HOSTNAME"};

std::string value_text(const model::HeaderValue& header) {
  std::string out;
  for (const model::ValuePiece& piece : header.value) {
    if (piece.kind == model::ValuePiece::Kind::kLiteral) {
      out += piece.text;
      continue;
    }
    out += fmt::format("<{}{}{}{}{}>", kPieces[static_cast<int>(piece.kind)],
                       piece.text.empty() ? "" : " ", piece.text,
                       piece.alternative.empty() ? "" : " or ", piece.alternative);
  }
  return out;
}

std::string changes_text(const char* side, const model::HeaderChanges& changes) {
  std::vector<std::string> parts;
  for (const std::string& name : changes.remove) parts.push_back("remove " + name);
  for (const auto& header : changes.set) {
    parts.push_back(fmt::format("set {}: \"{}\"", header.name, value_text(header)));
  }
  for (const auto& header : changes.add) {
    parts.push_back(fmt::format("add {}: \"{}\"", header.name, value_text(header)));
  }
  return parts.empty() ? "" : fmt::format(" {} {}", side, fmt::join(parts, ", "));
}

std::string percent(model::Fraction share) {
  return fmt::format("{:g} %", share.millionths * 100.0 / model::Fraction::kWhole);
}

std::string path_text(const model::PathRewrite& path) {
  constexpr const char* kKinds[] = {"path", "prefix", "prefix segments"};
  return fmt::format("{} \"{}\"", kKinds[static_cast<int>(path.kind)], path.text);
}

std::string text_of(const model::Redirect& redirect) {
  std::string out = fmt::format("redirect {}", redirect.status);
  if (redirect.scheme) out += " scheme " + *redirect.scheme;
  if (redirect.authority) out += " authority " + *redirect.authority;
  if (redirect.port_from == model::Redirect::Port::kFixed) {
    out += fmt::format(" port {}", redirect.port);
  } else if (redirect.port_from == model::Redirect::Port::kProtocolDefault) {
    out += " port of the protocol";
  } else if (redirect.port_from == model::Redirect::Port::kRequestPort) {
    out += " port of the request";
  }
  if (redirect.path) out += " " + path_text(*redirect.path);
  return out;
}

std::string text_of(const model::Rewrite& rewrite) {
  std::string out = "rewrite";
  if (rewrite.path) out += " " + path_text(*rewrite.path);
  if (rewrite.regex) {
    out +=
        fmt::format(" regex \"{}\" -> \"{}\"", rewrite.regex->pattern, rewrite.regex->substitution);
  }
  if (rewrite.authority) out += " authority " + *rewrite.authority;
  return out;
}

std::string text_of(const model::RetryPolicy& retries) {
  constexpr const char* kNames[] = {
      "5xx",           "gateway-error",  "reset",    "connect-failure",
      "retriable-4xx", "refused-stream", "statuses", "reset-before-request",
      "headers",       "cancelled",      "deadline", "internal",
      "exhausted",     "unavailable",    "unsafe"};
  std::string out = fmt::format("retries {} on", retries.attempts);
  for (std::uint32_t bit = 0; bit < std::size(kNames); ++bit) {
    if ((retries.conditions & (1U << bit)) != 0) out += fmt::format(" {}", kNames[bit]);
  }
  for (const std::uint16_t status : retries.statuses) out += fmt::format(" {}", status);
  for (const std::string& header : retries.headers) out += " " + header;
  if (retries.per_try_timeout) {
    out += fmt::format(" each {} ms", retries.per_try_timeout->count());
  }
  out += fmt::format(" backoff {} ms", retries.backoff.count());
  return out + (retries.ignore_previous_hosts ? "" : ", previous hosts too") +
         (retries.other_localities ? ", other localities" : "");
}

std::string text_of(const model::Fault& fault) {
  std::string out = "fault";
  if (fault.delay) {
    out += fmt::format(" delay {} ms of {}", fault.delay->duration.count(),
                       percent(fault.delay->share));
  }
  if (fault.abort) {
    out += fmt::format(" abort {}", fault.abort->status);
    if (fault.abort->grpc_status) out += fmt::format(" grpc {}", *fault.abort->grpc_status);
    out += fmt::format(" of {}", percent(fault.abort->share));
  }
  return out;
}

std::string text_of(const model::Cors& cors) {
  std::vector<std::string> origins;
  for (const auto& origin : cors.allow_origins) origins.push_back(string_match_text(origin));
  std::string out = fmt::format("cors origins [{}]", fmt::join(origins, ", "));
  const auto add = [&](const char* name, const std::vector<std::string>& values) {
    if (!values.empty()) out += fmt::format(" {} {}", name, fmt::join(values, ","));
  };
  add("methods", cors.allow_methods);
  add("headers", cors.allow_headers);
  add("expose", cors.expose_headers);
  if (cors.max_age_seconds) out += fmt::format(" max-age {}", *cors.max_age_seconds);
  if (cors.allow_credentials) out += fmt::format(" credentials {}", *cors.allow_credentials);
  const bool ignore = cors.unmatched_preflights == model::Cors::Unmatched::kIgnore;
  return out + (ignore ? ", unmatched preflights ignored" : "");
}

}  // namespace

std::string place_text(model::Origin origin, const std::string& prefix) {
  const std::string& file = origin.file;
  if (file.starts_with(prefix)) origin.file = file.substr(prefix.size());
  return model::location(origin);
}

std::string string_match_text(const model::StringMatch& match) {
  switch (match.kind) {
    case model::StringMatch::Kind::kExact:
      return fmt::format("= \"{}\"", match.value);
    case model::StringMatch::Kind::kPrefix:
      return fmt::format("prefix \"{}\"", match.value);
    case model::StringMatch::Kind::kSegments:
      return fmt::format("segments \"{}\"", match.value);
    case model::StringMatch::Kind::kRegex:
      return fmt::format("regex \"{}\"", match.value);
    case model::StringMatch::Kind::kPresent:
      return "present";
  }
  return "?";
}

std::string headers_text(const model::HeaderRules& rules) {
  return "headers" + changes_text("request", rules.request) +
         changes_text("response", rules.response);
}

std::string actions_text(const model::Route& route, const std::string& prefix) {
  std::string out;
  const auto line = [&](const std::string& text) { out += "      " + text + "\n"; };
  if (route.cors) line(text_of(*route.cors));
  if (route.fault) line(text_of(*route.fault));
  if (route.redirect) line(text_of(*route.redirect));
  if (route.direct_response) {
    line(fmt::format("answer {} {} \"{}\"", route.direct_response->status,
                     route.direct_response->content_type, route.direct_response->body));
  }
  if (route.rewrite) line(text_of(*route.rewrite));
  if (route.headers) line(headers_text(*route.headers));
  if (route.timeout) line(fmt::format("timeout {} ms", route.timeout->count()));
  if (route.retries) line(text_of(*route.retries));
  for (const model::Mirror& mirror : route.mirrors) {
    line(fmt::format("mirror {} to {} ({})", percent(mirror.share), mirror.cluster,
                     place_text(mirror.origin, prefix)));
  }
  return out;
}

}  // namespace sluice::config
