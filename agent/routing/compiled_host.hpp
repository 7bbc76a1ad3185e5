// SPDX-License-Identifier: Apache-2.0
// CompiledHost: the routes of one virtual host as a flat list of candidates, one a match.
// Used by RouteTable and Coverage. Thread: any (const after compile). Invariants: depends on the virtual host alone, so
// that all tables and generations that have the host share it.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/model/route.hpp"
#include "agent/routing/action/actions.hpp"
#include "agent/routing/condition.hpp"
#include "agent/routing/path_index.hpp"

namespace sluice::routing {

struct Candidate {
  std::uint32_t route = 0;  // index into VirtualHost::routes
  int match_index = -1;     // -1 = the route has no matches
  std::vector<Condition> conditions;

  // The first condition that fails; null when all hold.
  [[nodiscard]] const Condition* first_failing(const http::RequestHead& head,
                                               std::uint16_t port) const {
    for (const Condition& condition : conditions) {
      if (!condition.holds(head, port)) return &condition;
    }
    return nullptr;
  }
};

struct CompiledHost {
  std::vector<Candidate> candidates;  // in order of evaluation
  std::vector<std::unique_ptr<const Actions>>
      actions;                     // by route; null: it only names destinations
  std::optional<PathIndex> index;  // only when the list is long enough to pay for it

  // Fails on a bad regular expression, with the place of its match.
  static Result<CompiledHost> compile(const model::VirtualHost& host, RegexPool& pool);
  // The first candidate that matches, or null.
  [[nodiscard]] const Candidate* match(const http::RequestHead& head, std::uint16_t port) const;
};
using CompiledHostPtr = std::shared_ptr<const CompiledHost>;

}  // namespace sluice::routing
