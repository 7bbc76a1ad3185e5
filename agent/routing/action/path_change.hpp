// SPDX-License-Identifier: Apache-2.0
// PathChange: a model::PathRewrite made ready, for rewrites and redirects alike. Used by Rewrite and Redirect. Pure.
// Thread: any (const). Invariants: what it makes of a path that begins with '/' begins with '/'.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/model/action.hpp"
#include "agent/model/route.hpp"

namespace sluice::routing {

// What the uri condition of the match took of a path, so that a prefix can be replaced: its prefix; "/" without a uri
// condition, as Istio has it for a route that matches everything; nullopt for exact and regex, where the whole path is
// replaced. `match_index` as in Decision.
[[nodiscard]] std::optional<std::string_view> matched_prefix(const model::Route& route,
                                                             int match_index);

class PathChange {
 public:
  // kInvalid for a text with a character that no request target can have.
  static Result<PathChange> compile(const model::PathRewrite& rewrite);

  // Overwrites `out` with the new path. `prefix` as matched_prefix() gives it.
  void apply(std::string_view path, std::optional<std::string_view> prefix, std::string& out) const;
  // The query that the text brings, which replaces the request's; nullopt when it has none.
  [[nodiscard]] const std::optional<std::string>& query() const { return query_; }

 private:
  model::PathRewrite::Kind kind_ = model::PathRewrite::Kind::kWhole;
  std::string text_;
  std::optional<std::string> query_;
};

}  // namespace sluice::routing
