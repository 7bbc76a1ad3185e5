// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/compiled_host.hpp"

namespace sluice::routing {
namespace {

// Below this many candidates the linear scan is as fast as the lookups of the index.
constexpr std::size_t kIndexFrom = 16;

}  // namespace

Result<CompiledHost> CompiledHost::compile(const model::VirtualHost& host, RegexPool& pool) {
  CompiledHost out;
  for (std::uint32_t r = 0; r < host.routes.size(); ++r) {
    const model::Route& route = host.routes[r];
    out.actions.push_back(Actions::compile(host, route, pool));
    if (route.matches.empty()) out.candidates.push_back({r, -1, {}});
    for (std::size_t m = 0; m < route.matches.size(); ++m) {
      auto conditions = compile_match(route.matches[m], pool);
      if (!conditions) {
        const auto& origin =
            route.matches[m].origin.file.empty() ? route.origin : route.matches[m].origin;
        return fail(ErrorCode::kInvalid, location(origin) + ": route \"" + route.name +
                                             "\" of virtual host \"" + host.name +
                                             "\": " + conditions.error().message);
      }
      out.candidates.push_back({r, static_cast<int>(m), std::move(*conditions)});
    }
  }
  if (out.candidates.size() >= kIndexFrom) {
    out.index.emplace();
    for (std::uint32_t i = 0; i < out.candidates.size(); ++i) {
      out.index->add(i, out.candidates[i].conditions);
    }
  }
  return out;
}

const Candidate* CompiledHost::match(const http::RequestHead& head, std::uint16_t port) const {
  if (index) {
    PathIndex::Walk walk = index->candidates(head.path);
    for (std::uint32_t i = 0; walk.next(i);) {
      if (!candidates[i].first_failing(head, port)) return &candidates[i];
    }
    return nullptr;
  }
  for (const Candidate& candidate : candidates) {
    if (!candidate.first_failing(head, port)) return &candidate;
  }
  return nullptr;
}

}  // namespace sluice::routing
