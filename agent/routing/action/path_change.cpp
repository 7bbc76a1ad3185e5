// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/action/path_change.hpp"

#include <algorithm>

#include "agent/http/syntax.hpp"

namespace sluice::routing {
namespace {

using Kind = model::PathRewrite::Kind;

// What `path` has behind `prefix`; nothing when it does not begin with it (they differ in case: the lengths count).
std::string_view behind(std::string_view path, std::string_view prefix) {
  return path.substr(std::min(prefix.size(), path.size()));
}

std::string_view without_slash(std::string_view text) {
  if (text.ends_with('/')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<std::string_view> matched_prefix(const model::Route& route, int match_index) {
  if (match_index < 0) return "/";
  const auto& uri = route.matches[static_cast<std::size_t>(match_index)].uri;
  if (!uri) return "/";
  const bool prefix = uri->kind == model::StringMatch::Kind::kPrefix ||
                      uri->kind == model::StringMatch::Kind::kSegments;
  if (!prefix) return std::nullopt;
  return uri->value;
}

Result<PathChange> PathChange::compile(const model::PathRewrite& rewrite) {
  const std::string& text = rewrite.text;
  const std::size_t bad = http::span_of(text, http::kTargetChar);
  if (bad < text.size() || text.find('#') != std::string::npos) {
    return fail(ErrorCode::kInvalid, "path \"" + text +
                                         "\" has a character that no path can have; write it "
                                         "percent-encoded, a space as %20");
  }
  PathChange out;
  out.kind_ = rewrite.kind;
  const std::size_t mark = text.find('?');
  out.text_ = text.substr(0, mark);
  if (mark != std::string::npos) out.query_ = text.substr(mark + 1);
  return out;
}

void PathChange::apply(std::string_view path, std::optional<std::string_view> prefix,
                       std::string& out) const {
  out.clear();
  if (kind_ == Kind::kWhole || !prefix) {
    out.append(text_);
  } else if (kind_ == Kind::kPrefix) {
    // "/shop" -> "/" makes "/cart" of "/shop/cart", not "//cart".
    std::string_view rest = behind(path, *prefix);
    if (text_.ends_with('/') && rest.starts_with('/')) rest.remove_prefix(1);
    out.append(text_).append(rest);
  } else {
    const std::string_view rest = behind(path, without_slash(*prefix));
    out.append(without_slash(text_));
    if (!rest.empty() && !rest.starts_with('/')) out.push_back('/');
    out.append(rest);
  }
  if (!out.starts_with('/')) out.insert(out.begin(), '/');
}

}  // namespace sluice::routing
