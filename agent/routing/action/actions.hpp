// SPDX-License-Identifier: Apache-2.0
// Actions: what one route does besides naming destinations, compiled. Held by the route table beside the route and
// reached from Decision::actions; the proxy's filters apply it in the order that model::Route documents. Faults,
// mirrors and direct responses need nothing compiled and are read from the route itself.
// Thread: any (const). Invariants: compiling one route's actions never fails: what is wrong with them is kept in
// `broken`, and only requests of this route meet it.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/model/route.hpp"
#include "agent/routing/action/cors.hpp"
#include "agent/routing/action/header_edit.hpp"
#include "agent/routing/action/redirect.hpp"
#include "agent/routing/action/rewrite.hpp"
#include "agent/routing/regex.hpp"

namespace sluice::routing {

struct HeaderEdits {
  HeaderEdit request;
  HeaderEdit response;
};

struct Actions {
  struct Destination {
    std::string cluster;  // Cluster::key
    HeaderEdits edits;
  };

  // Null when the route only names destinations.
  [[nodiscard]] static std::unique_ptr<const Actions> compile(const model::VirtualHost& host,
                                                              const model::Route& route,
                                                              RegexPool& pool);

  // Of the destination that the request goes to; null when it changes nothing.
  [[nodiscard]] const HeaderEdits* destination(std::string_view cluster) const;

  // The same for this route from generation to generation, so that exact shares of faults and mirrors go on.
  std::uint64_t id = 0;
  std::optional<Cors> cors;
  std::optional<Redirect> redirect;
  std::optional<Rewrite> rewrite;
  HeaderEdits edits;
  std::vector<Destination> destinations;  // those that change something
  std::string broken;  // why requests of the route are answered 500; empty: they are not
};

}  // namespace sluice::routing
