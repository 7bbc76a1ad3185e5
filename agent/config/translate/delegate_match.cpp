// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/delegate_match.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "agent/base/text.hpp"

namespace sluice::config {
namespace {

using model::StringMatch;
using Kind = StringMatch::Kind;

bool begins(const std::string& text, const std::string& prefix, bool ignore_case) {
  if (!ignore_case) return text.starts_with(prefix);
  return text.size() >= prefix.size() &&
         equals_ignore_case(std::string_view(text).substr(0, prefix.size()), prefix);
}

// Whether whatever `leaf` takes is also taken by `root`. Of expressions that cannot be told, unless they are one.
bool within(const StringMatch& root, const StringMatch& leaf, bool ignore_case) {
  if (root == leaf || root.kind == Kind::kPresent) return true;
  if (root.kind == Kind::kRegex || leaf.kind == Kind::kRegex || leaf.kind == Kind::kPresent) {
    return false;
  }
  if (root.kind == Kind::kPrefix) return begins(leaf.value, root.value, ignore_case);
  return leaf.kind == Kind::kExact && ignore_case && equals_ignore_case(leaf.value, root.value);
}

bool conflicts(const Boxed<StringMatch>& root, const Boxed<StringMatch>& leaf) {
  return root && leaf && !within(*root, *leaf, false);
}

// The name in which the two lists disagree.
std::optional<std::string> named_conflict(const std::vector<model::NamedMatch>& root,
                                          const std::vector<model::NamedMatch>& leaf) {
  for (const model::NamedMatch& own : leaf) {
    for (const model::NamedMatch& other : root) {
      if (own.name == other.name && !within(other.match, own.match, false)) return own.name;
    }
  }
  return std::nullopt;
}

void add_missing(std::vector<model::NamedMatch>& out, const std::vector<model::NamedMatch>& root) {
  const std::size_t own = out.size();
  for (const model::NamedMatch& more : root) {
    const auto end = out.begin() + static_cast<std::ptrdiff_t>(own);
    if (std::none_of(out.begin(), end, [&](const auto& each) { return each.name == more.name; })) {
      out.push_back(more);
    }
  }
}

}  // namespace

std::optional<std::string> match_conflict(const MatchSpec& root, const MatchSpec& leaf) {
  const model::RouteMatch& a = root.match;
  const model::RouteMatch& b = leaf.match;
  if (a.uri && b.uri) {
    if (a.ignore_uri_case != b.ignore_uri_case) return "ignoreUriCase";
    if (!within(*a.uri, *b.uri, a.ignore_uri_case)) return "uri";
  }
  if (conflicts(a.scheme, b.scheme)) return "scheme";
  if (conflicts(a.method, b.method)) return "method";
  if (conflicts(a.authority, b.authority)) return "authority";
  if (const auto name = named_conflict(a.headers, b.headers)) {
    return fmt::format("headers[\"{}\"]", *name);
  }
  if (const auto name = named_conflict(a.query_params, b.query_params)) {
    return fmt::format("queryParams[\"{}\"]", *name);
  }
  if (a.port && b.port && *a.port != *b.port) return "port";
  const bool outside = std::any_of(leaf.gateways.begin(), leaf.gateways.end(), [&](const auto& g) {
    return std::find(root.gateways.begin(), root.gateways.end(), g) == root.gateways.end();
  });
  if (!root.gateways.empty() && outside) return "gateways";
  return std::nullopt;
}

MatchSpec merge_match(const MatchSpec& root, const MatchSpec& leaf) {
  MatchSpec out = leaf;
  model::RouteMatch& match = out.match;
  const model::RouteMatch& more = root.match;
  if (match.name.empty()) {
    match.name = more.name;
  } else if (!more.name.empty()) {
    match.name = more.name + "-" + match.name;
  }
  if (!match.uri) {
    match.uri = more.uri;
    match.ignore_uri_case = more.ignore_uri_case;
  }
  if (!match.scheme) match.scheme = more.scheme;
  if (!match.method) match.method = more.method;
  if (!match.authority) match.authority = more.authority;
  add_missing(match.headers, more.headers);
  // Both must be absent: what the root keeps out, no delegate lets in.
  for (const model::NamedMatch& without : more.without_headers) {
    if (std::find(match.without_headers.begin(), match.without_headers.end(), without) ==
        match.without_headers.end()) {
      match.without_headers.push_back(without);
    }
  }
  add_missing(match.query_params, more.query_params);
  if (!match.port) match.port = more.port;
  if (out.gateways.empty()) out.gateways = root.gateways;
  return out;
}

}  // namespace sluice::config
