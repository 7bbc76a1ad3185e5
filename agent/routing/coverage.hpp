// SPDX-License-Identifier: Apache-2.0
// Coverage: what can be said about a route table without a request: which requests match nothing,
// which routes nothing can match. Computed once by RouteTable::compile. Pure. Thread: any.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "agent/routing/compiled_host.hpp"
#include "agent/routing/domain_table.hpp"
#include "agent/routing/route_table.hpp"

namespace sluice::routing {

struct Coverage {
  std::optional<Gap> gap;
  std::vector<std::uint32_t> reachable;  // route ids, ascending
};

// A virtual host of a table with what was made of it.
struct TableHost {
  model::VirtualHostPtr model;
  CompiledHostPtr compiled;
  std::uint32_t first_route = 0;  // id of its first route in the table
};

[[nodiscard]] Coverage coverage_of(const DomainTable& domains, const std::vector<TableHost>& hosts,
                                   std::uint16_t port);

}  // namespace sluice::routing
