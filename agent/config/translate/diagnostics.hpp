// SPDX-License-Identifier: Apache-2.0
// Diagnostics about how objects fit together, found after each was decoded alone. Thread: main.
#pragma once
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "agent/model/origin.hpp"

namespace sluice::config {

using Diagnostics = std::vector<model::Diagnostic>;

inline void add_error(Diagnostics& out, const model::Origin& origin, std::string code,
                      std::string message, std::string hint = {}) {
  out.push_back(
      {model::Severity::kError, std::move(code), std::move(message), std::move(hint), origin});
}

inline void add_warning(Diagnostics& out, const model::Origin& origin, std::string code,
                        std::string message, std::string hint = {}) {
  out.push_back(
      {model::Severity::kWarning, std::move(code), std::move(message), std::move(hint), origin});
}

inline bool has_errors(const Diagnostics& diagnostics) {
  return std::any_of(diagnostics.begin(), diagnostics.end(), [](const model::Diagnostic& d) {
    return d.severity == model::Severity::kError;
  });
}

inline void append(Diagnostics& out, Diagnostics more) {
  out.insert(out.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// "`a`, `b` or `c`"; at most ten are named.
[[nodiscard]] std::string name_list(const std::vector<std::string>& names);
// "did you mean `x`?" when one of the names is close to `word`, else `otherwise`.
[[nodiscard]] std::string did_you_mean(const std::string& word,
                                       const std::vector<std::string>& names,
                                       std::string otherwise);

}  // namespace sluice::config
