// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/action/rewrite.hpp"

#include "agent/http/authority.hpp"
#include "agent/http/syntax.hpp"

namespace sluice::routing {
namespace {

bool is_target(std::string_view text) {
  return http::span_of(text, http::kTargetChar) == text.size() &&
         text.find_first_of("#?") == std::string_view::npos;
}

}  // namespace

Result<Rewrite> Rewrite::compile(const model::Rewrite& rewrite) {
  Rewrite out;
  if (rewrite.path) {
    auto path = PathChange::compile(*rewrite.path);
    if (!path) return tl::unexpected(std::move(path).error());
    out.path_ = std::move(*path);
  }
  if (rewrite.regex) {
    if (!is_target(rewrite.regex->substitution)) {
      return fail(ErrorCode::kInvalid, "\"" + rewrite.regex->substitution +
                                           "\" has a character that no path can have; write it "
                                           "percent-encoded, a space as %20");
    }
    auto regex = RegexReplace::compile(*rewrite.regex);
    if (!regex) return tl::unexpected(std::move(regex).error());
    out.regex_ = std::move(*regex);
  }
  if (rewrite.authority) {
    if (!http::is_authority(*rewrite.authority, http::Port::kOptional)) {
      return fail(ErrorCode::kInvalid,
                  "\"" + *rewrite.authority + "\" is no host; write HOST or HOST:PORT");
    }
    out.authority_ = rewrite.authority;
  }
  return out;
}

bool Rewrite::apply(std::optional<std::string_view> prefix, http::RequestHead& head,
                    std::string& scratch) const {
  // Not OPTIONS *: it asks about the server, not about a path (RFC 9110 9.3.7).
  if (head.path.starts_with('/')) {
    if (path_) {
      path_->apply(head.path, prefix, scratch);
      head.path.swap(scratch);
      if (path_->query()) head.query = *path_->query();
    } else if (regex_) {
      if (!regex_->apply(head.path, scratch)) return false;
      if (!scratch.starts_with('/')) scratch.insert(scratch.begin(), '/');
      head.path.swap(scratch);
    }
  }
  if (authority_) {
    head.authority = *authority_;
    head.headers.set("Host", *authority_);
  }
  return true;
}

}  // namespace sluice::routing
