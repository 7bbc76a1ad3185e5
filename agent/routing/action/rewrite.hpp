// SPDX-License-Identifier: Apache-2.0
// Rewrite: what an endpoint is asked for instead of what the client asked for (Istio HTTPRewrite). Part of Actions,
// called by the proxy's filters. Thread: any (const).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/http/message.hpp"
#include "agent/model/action.hpp"
#include "agent/routing/action/path_change.hpp"
#include "agent/routing/action/regex_replace.hpp"

namespace sluice::routing {

class Rewrite {
 public:
  static Result<Rewrite> compile(const model::Rewrite& rewrite);

  // Changes path and query, and authority with Host. `scratch` is the caller's, so that its memory is used again.
  // False, with an unchanged head, when the new path would exceed RegexReplace::kMaxResult.
  [[nodiscard]] bool apply(std::optional<std::string_view> prefix, http::RequestHead& head,
                           std::string& scratch) const;

 private:
  std::optional<PathChange> path_;
  std::optional<RegexReplace> regex_;
  std::optional<std::string> authority_;
};

}  // namespace sluice::routing
