// SPDX-License-Identifier: Apache-2.0
// Which of several matches that fit a request counts, as HTTPRoute asks for. Thread: any. Pure.
#pragma once
#include <cstddef>
#include <tuple>

#include "agent/model/route.hpp"

namespace sluice::config {

// Before ties are broken by age, name and order: an exact path, then an expression (where the API leaves it open; the
// longer one first), then the longest prefix; a method; the most headers; the most query parameters.
[[nodiscard]] inline bool takes_precedence(const model::RouteMatch& a, const model::RouteMatch& b) {
  const auto rank = [](const model::RouteMatch& match) {
    using Kind = model::StringMatch::Kind;
    const int path = !match.uri                        ? 0
                     : match.uri->kind == Kind::kExact ? 2
                     : match.uri->kind == Kind::kRegex ? 1
                                                       : 0;
    return std::tuple(path, match.uri ? match.uri->value.size() : std::size_t{0},
                      match.method.has_value(), match.headers.size(), match.query_params.size());
  };
  return rank(a) > rank(b);
}

}  // namespace sluice::config
